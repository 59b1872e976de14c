import { z } from 'zod';

/** A file beside a message. Pictures and whatever else cannot be code are none. */
export type PostedFile =
  | CodeFile
  /** Slack Connect: a message holds the file's id alone, `files.info` has the rest (Slack's file object). */
  | { kind: 'stub'; id: string }
  /** Nobody can say any more whether it was code. */
  | { kind: 'gone'; why: string };

export interface CodeFile {
  kind: 'code';
  name: string;
  /** Bytes; undefined where Slack did not say. */
  size: number | undefined;
  /** Undefined where Slack did not say. */
  url: string | undefined;
  /** The language its name or kind says: `python`, `scala`, `r`. */
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

/** Undefined for what is no code: by the name's end, and for snippets by their kind. */
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
  const isCode = mode === 'snippet' || ['py', 'scala', 'r', 'txt'].includes(ending);
  if (!isCode) return undefined;
  const url = file.url_private_download ?? file.url_private;
  return {
    kind: 'code',
    name,
    size: file.size,
    url,
    syntax: syntaxes[ending] ?? syntaxes[file.filetype ?? ''],
  };
}

/** By the end of a file's name, and by the kind that Slack gives a snippet. */
const syntaxes: Readonly<Record<string, string>> = { py: 'python', python: 'python', scala: 'scala', r: 'r' };
