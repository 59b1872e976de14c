import { z } from 'zod';
import { UserError } from '../../errors.ts';

/** A file beside a message. */
export type PostedFile =
  | CodeFile
  /** A picture, or whatever else cannot be code. */
  | { kind: 'other'; name: string }
  /** Slack Connect: a message holds the file's id alone, `files.info` has the rest (Slack's file object). */
  | { kind: 'stub'; id: string }
  /** Nobody can say any more whether it was code. */
  | { kind: 'gone'; why: string };

export interface CodeFile {
  kind: 'code' | 'notebook';
  name: string;
  /** Bytes; undefined where Slack did not say. */
  size: number | undefined;
  /** Undefined where Slack did not say. */
  url: string | undefined;
  /** The language its name or kind says: `python`, `scala`, `r`, `sql`. */
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

/** For files of which none can be run. */
export function noCodeFile(files: readonly PostedFile[]): UserError {
  const names = files.flatMap((file) => (file.kind === 'other' ? [file.name] : []));
  const subject = names.length === 0 ? 'A file of this kind' : names.slice(0, 5).join(', ');
  const endings = CODE_ENDINGS.map((ending) => `.${ending}`).join(', ');
  return new UserError(
    'unreadableFile',
    `${subject} cannot be run. What runs: ${endings} files and Slack’s text snippets.`,
  );
}

/** What runs is known by the name's end, a snippet by its kind. Undefined for what is no file of Slack's. */
export function readPostedFile(entry: unknown): PostedFile | undefined {
  const file = fileSchema.safeParse(entry).data;
  if (file === undefined) return undefined;
  const { id, mode, file_access: access } = file;
  if (mode === 'tombstone') return { kind: 'gone', why: 'it was deleted' };
  if (mode === 'hidden_by_limit')
    return { kind: 'gone', why: 'Slack hides it, because the workspace is over its limit' };
  if (access === 'check_file_info' || mode === 'file_access') return { kind: 'stub', id };
  const name = file.name ?? id;
  const ending = /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  const isCode = mode === 'snippet' || CODE_ENDINGS.includes(ending);
  if (!isCode) return { kind: 'other', name };
  const url = file.url_private_download ?? file.url_private;
  return {
    kind: ending === 'ipynb' ? 'notebook' : 'code',
    name,
    size: file.size,
    url,
    syntax: syntaxes[ending] ?? syntaxes[file.filetype ?? ''],
  };
}

/** By the end of a file's name, and by the kind that Slack gives a snippet. */
const syntaxes: Readonly<Record<string, string>> = {
  py: 'python',
  python: 'python',
  scala: 'scala',
  r: 'r',
  sql: 'sql',
};
