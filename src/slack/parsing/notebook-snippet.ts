import { UserError } from '../../errors.ts';
import { cellsToRun } from '../../notebooks/model.ts';
import type { NotebookLanguage } from '../../notebooks/read.ts';
import type { Snippet } from '../../runs/admission/snippet.ts';
import type { LanguageWords } from '../../runs/languages/languages.ts';
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

/** The word beside a notebook, else what it says of itself. */
export function notebookLanguage(
  files: readonly FileCode[],
  word: string,
  words: LanguageWords,
): Pick<Snippet, 'language' | 'syntax'> {
  if (words.isLanguage(word) || words.isMisspelt(word)) return { language: word };
  const said = files[0]?.notebook?.language;
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
