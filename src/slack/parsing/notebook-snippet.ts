import { UserError } from '../../errors.ts';
import { cellsToRun, withParameters } from '../../notebooks/model.ts';
import type { NotebookLanguage } from '../../notebooks/read.ts';
import type { Snippet } from '../../runs/admission/snippet.ts';
import type { LanguageWords } from '../../runs/languages/languages.ts';
import { assignmentsOf } from '../../saved/parameters/put-in.ts';
import { readParameters } from '../../saved/parameters/values.ts';
import type { FileCode } from '../api/files.ts';

/** Each file is a block, each code cell of a notebook too. Throws `UserError` for a notebook beside other files. */
export function blocksOf(files: readonly FileCode[]): Pick<Snippet, 'blocks' | 'notebook'> {
  const posted = files.find((file) => file.notebook !== undefined)?.notebook;
  if (posted === undefined) return { blocks: files.map(({ code }) => code) };
  if (files.length > 1)
    throw new UserError(
      'unreadableFile',
      'A notebook is run alone: send one notebook in a message. Nothing ran.',
    );
  const { name, notebook } = posted;
  return { blocks: cellsToRun(notebook).map(({ source }) => source), notebook: { name, notebook } };
}

/**
 * The snippet of a posted notebook. The text beside it may name the language in its first word, and give values
 * (`n=5 day="2026-01-31"`); any other text is talk. Throws `UserError` for values that do not fit.
 */
export function readNotebookSnippet(files: readonly FileCode[], text: string, words: LanguageWords): Snippet {
  const { blocks, notebook: posted } = blocksOf(files);
  const [first = ''] = /^\S+/.exec(text) ?? [];
  const isNamed = words.isLanguage(first) || (words.isMisspelt(first) && first === text);
  const said = files[0]?.notebook?.language;
  const language = isNamed ? { language: first } : notebookLanguage(said, words);
  const given = onOneLine(isNamed ? text.slice(first.length) : text).trim();
  if (posted === undefined || !GIVES_VALUES.test(given)) return { ...language, blocks, notebook: posted };
  const assigned = assignmentsOf(readParameters(given), words.languageOf(language) ?? said?.language);
  const notebook = withParameters(posted.notebook, assigned);
  return {
    ...language,
    blocks: cellsToRun(notebook).map(({ source }) => source),
    notebook: { name: posted.name, notebook },
  };
}

/** A name with its value anywhere: what is meant as one is never taken for talk. */
const GIVES_VALUES = /(?:^| )[A-Za-z_.][\w.]*=(?!=)/;

/** Values may stand on lines of their own; what is quoted, to its end or to the end of all, stays as it is. */
function onOneLine(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\.)*(?:"|\\?$)|'(?:[^'\\]|\\.)*(?:'|\\?$)|\n/gs, (found) =>
    found === '\n' ? ' ' : found,
  );
}

/** What a notebook says of itself. */
function notebookLanguage(
  said: NotebookLanguage | undefined,
  words: LanguageWords,
): Pick<Snippet, 'language' | 'syntax'> {
  if (said?.kernelspec !== undefined && words.isKernelspec(said.kernelspec))
    return { language: said.kernelspec };
  const syntax = said === undefined ? undefined : syntaxOf(said);
  if (syntax === undefined) return { language: undefined };
  return words.isSpoken(syntax) ? { language: undefined, syntax } : { language: syntax };
}

/** `python2` where it says Python 2: that never becomes Python 3 by itself. */
function syntaxOf({ kernelspec, language, version = '' }: NotebookLanguage): string | undefined {
  const word = language?.toLowerCase() ?? kernelspec;
  if (word !== 'python' && word !== 'ipython') return word;
  const [major] = /^[23]/.exec(version) ?? /[23]/.exec(kernelspec ?? '') ?? [];
  return `python${major ?? ''}`;
}
