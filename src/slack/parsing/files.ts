import { z } from 'zod';
import { UserError } from '../../errors.ts';
import { cellsToRun, type PostedNotebook, withParameters, withSources } from '../../notebooks/model.ts';
import type { NotebookLanguage } from '../../notebooks/read.ts';
import type { LanguageWords } from '../../runs/languages/languages.ts';
import type { Snippet } from '../../runs/run.ts';
import { injectSql, placeValues } from '../../saved/parameters/inject.ts';
import { readParameters } from '../../saved/parameters/values.ts';
import { agreed, readCommandText, readsAsCode, withoutRun } from './snippet.ts';
import type { Message } from './typed-text.ts';

/** Files that are posted with a message: what Slack says of them, and which of them run. */

/** A file that was posted with a message. */
export type PostedFile =
  | CodeFile
  /** A picture, or another file that cannot be code. */
  | { kind: 'other'; name: string }
  /** Slack Connect: the message has only the file's id, and `files.info` the rest. */
  | { kind: 'stub'; id: string }
  /** It can no longer be known whether it was code. */
  | { kind: 'gone'; why: string };

export interface CodeFile {
  kind: 'code' | 'notebook';
  name: string;
  /** Bytes; undefined if Slack did not say. */
  size: number | undefined;
  /** Undefined if Slack did not say. */
  url: string | undefined;
  /** The language by its name or kind: `python`, `scala`, `r`, `sql`. */
  syntax: string | undefined;
}

const fileSchema = z.object({
  id: z.string(),
  name: z.string().nullish(),
  mode: z.string().optional(),
  file_access: z.string().optional(),
  filetype: z.string().optional(),
  size: z.number().optional(),
  url_private_download: z.string().optional(),
  url_private: z.string().optional(),
});

export function readPostedFiles(files: readonly unknown[]): PostedFile[] {
  return files.map(readPostedFile).filter((file) => file !== undefined);
}

const CODE_ENDINGS = ['py', 'scala', 'r', 'sql', 'txt', 'ipynb'];

/** The refusal for files of which none can be run. */
export function noCodeFile(files: readonly PostedFile[]): UserError {
  const names = files.flatMap((file) => (file.kind === 'other' ? [file.name] : []));
  const subject = names.length === 0 ? 'A file of this kind' : names.slice(0, 5).join(', ');
  const endings = CODE_ENDINGS.map((ending) => `.${ending}`).join(', ');
  return new UserError(
    'unreadableFile',
    `${subject} cannot be run. What runs: ${endings} files and Slack’s text snippets.`,
  );
}

/** Slack names a snippet without a title so, with an ending by the kind that it guessed: `-.cs`. */
const UNTITLED = /^(?:-|untitled)(?:\.|$)/i;

/**
 * A file runs by the ending of its name. Slack calls any text file a snippet (slack.md §4), so one runs if it is
 * untitled, has no ending, or is of a language's kind. Undefined for what is no file object of Slack's.
 */
export function readPostedFile(entry: unknown): PostedFile | undefined {
  const file = fileSchema.safeParse(entry).data;
  if (file === undefined) return undefined;
  const { id, mode, file_access: access } = file;
  if (mode === 'tombstone') return { kind: 'gone', why: 'it was deleted' };
  if (mode === 'hidden_by_limit')
    return { kind: 'gone', why: 'Slack hides it, because the workspace is over its limit' };
  if (access === 'check_file_info' || mode === 'file_access') return { kind: 'stub', id };
  const name = file.name ?? id;
  // A browser that saves a notebook from a page may add a second ending.
  const ending = /\.(ipynb(?=\.(?:txt|json)$)|[a-z]+$)/i.exec(name)?.[1]?.toLowerCase() ?? '';
  const syntax = SYNTAXES.get(ending) ?? SYNTAXES.get(file.filetype ?? '');
  const isTyped = mode === 'snippet' && (ending === '' || UNTITLED.test(name) || syntax !== undefined);
  const isCode = isTyped || CODE_ENDINGS.includes(ending);
  if (!isCode) return { kind: 'other', name };
  const url = file.url_private_download ?? file.url_private;
  return {
    kind: ending === 'ipynb' ? 'notebook' : 'code',
    name,
    size: file.size,
    url,
    syntax,
  };
}

/** By the ending of a file's name, and by Slack's kind of snippet. */
const SYNTAXES = new Map(
  Object.entries({ py: 'python', python: 'python', scala: 'scala', r: 'r', sql: 'sql' }),
);

/** The code of a posted file. */
export interface FileCode {
  /** The language by its name or kind. */
  syntax: string | undefined;
  code: string;
  /** Set for a notebook, whose cells are the code. */
  notebook?: PostedNotebook & { language: NotebookLanguage };
}

/**
 * Each file is a block, and so is each code cell of a notebook. Throws `UserError` for a notebook beside other files.
 */
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
 * The files that a message asks to run; none if the message itself contains code. A file that is gone counts only if
 * the message has no text: beside a text it may have been a picture.
 */
export function filesToRun(message: Message, files: readonly PostedFile[]): readonly PostedFile[] {
  const said = readCommandText(message);
  if (said === undefined) return [];
  return files.filter(({ kind }) => kind !== 'other' && (said === '' || kind !== 'gone'));
}

/** Sentences for the answer about code that did not run: files beside code that is typed, or code-like text beside files. */
export function notesOfFiles({ typed, files }: { typed: Message; files: readonly PostedFile[] }): string[] {
  const names = files.flatMap((file) =>
    file.kind === 'code' || file.kind === 'notebook' ? [file.name] : [],
  );
  if (names.length === 0) return [];
  const said = readCommandText(typed);
  if (said === undefined) return [`${names.join(' and ')} did not run: the code in the message did.`];
  // Beside a notebook it gives values.
  const isIgnored = readsAsCode(said) && !files.some(({ kind }) => kind === 'notebook');
  return isIgnored ? [`The text beside ${names.join(' and ')} did not run.`] : [];
}

/**
 * The snippet of a message with files: each file is a block, in their order. The text beside them names the language if
 * it is one word that is a language or nearly one; any other text is ignored. Throws `UserError` (`mixedLanguages`).
 */
export function readFileSnippet(message: Message, files: readonly FileCode[], words: LanguageWords): Snippet {
  const word = withoutRun(readCommandText(message) ?? '');
  const { blocks, notebook } = blocksOf(files);
  if (notebook !== undefined) return readNotebookSnippet(files, word, words);
  if (words.isLanguage(word) || words.isMisspelt(word)) return { language: word, blocks };
  const syntaxes = files.map(({ syntax }) => syntax).filter((said) => said !== undefined);
  const syntax = agreed(syntaxes.filter(words.isLanguage), words);
  // The language is refused by its name: a .scala file must not run as Python because no kernel here speaks Scala.
  if (syntax !== undefined && !words.isSpoken(syntax)) return { language: syntax, blocks };
  return { language: undefined, ...(syntax === undefined ? {} : { syntax }), blocks };
}

/**
 * The snippet of a posted notebook. The text beside it may name the language in its first word, and give values (`n=5
 * day="2026-01-31"`); any other text is ignored. Throws `UserError` for values that do not fit.
 */
function readNotebookSnippet(files: readonly FileCode[], text: string, words: LanguageWords): Snippet {
  const { blocks, notebook: posted } = blocksOf(files);
  const [first = ''] = /^\S+/.exec(text) ?? [];
  const isNamed = words.isLanguage(first) || (words.isMisspelt(first) && first === text);
  const said = files[0]?.notebook?.language;
  const language = isNamed ? { language: first } : notebookLanguage(said, words);
  const given = onOneLine(isNamed ? text.slice(first.length) : text).trim();
  if (posted === undefined || !GIVES_VALUES.test(given)) return { ...language, blocks, notebook: posted };
  const spoken = words.languageOf(language) ?? said?.language;
  const parameters = readParameters(given);
  const placed = spoken === 'sql' ? undefined : placeValues(blocks, parameters, spoken);
  const notebook =
    placed === undefined
      ? withSources(posted.notebook, injectSql(blocks, parameters))
      : withParameters(posted.notebook, placed.assigned, placed.settings);
  return {
    ...language,
    blocks: cellsToRun(notebook).map(({ source }) => source),
    notebook: { name: posted.name, notebook },
  };
}

/** A name with a value, anywhere in the text: it is never ignored. */
const GIVES_VALUES = /(?:^| )[A-Za-z_.][\w.]*=(?!=)/;

/** Values may be on several lines. Quoted text, also an unclosed one, keeps its line breaks. */
function onOneLine(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\.)*(?:"|\\?$)|'(?:[^'\\]|\\.)*(?:'|\\?$)|\n/gs, (found) =>
    found === '\n' ? ' ' : found,
  );
}

/** The language from the notebook's metadata. */
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

/** `python2` for Python 2, which never becomes Python 3 by itself. */
function syntaxOf({ kernelspec, language, version = '' }: NotebookLanguage): string | undefined {
  const word = language?.toLowerCase() ?? kernelspec;
  if (word !== 'python' && word !== 'ipython') return word;
  const [major] = /^[23]/.exec(version) ?? /[23]/.exec(kernelspec ?? '') ?? [];
  return `python${major ?? ''}`;
}
