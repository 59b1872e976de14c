import { UserError } from '../../errors.ts';
import { MAX_NOTEBOOK_BYTES, readNotebook } from '../../notebooks/read.ts';
import { toLineFeeds } from '../../text.ts';
import { startOf } from '../blocks/truncate.ts';
import { type CodeFile, type FileCode, type PostedFile, readPostedFile } from '../parsing/files.ts';
import type { SlackFetch } from '../transport/network.ts';
import { refusedAs } from './call-error.ts';

/**
 * Reads the code of posted files, in order; a file that turns out not to be code is skipped. Throws `UserError`
 * (`unreadableFile`, `snippetTooLong`).
 */
export type ReadFiles = (files: readonly PostedFile[]) => Promise<FileCode[]>;

const DOWNLOAD_MS = 10_000;
/** Of a notebook's name; the executed notebook gets the same one. */
const MAX_NAME_CHARS = 150;

/** Downloads a file from one of Slack's own hosts. Rejects with `UserError`. */
export type DownloadFile = (url: string | undefined, name: string, maxBytes: number) => Promise<Buffer>;

/** The bot's token is sent to Slack's own hosts only. `apiUrl`: the API root; undefined: slack.com. */
export function createDownload(token: string, apiUrl: string | undefined, fetch: SlackFetch): DownloadFile {
  return async (url, name, maxBytes) => {
    if (url === undefined || !URL.canParse(url) || !isSlackHost(new URL(url), apiUrl))
      throw unreadable(name, 'it is not stored in Slack');
    try {
      const answer = await fetch(url, {
        headers: { authorization: `Bearer ${token}` },
        redirect: 'error',
        signal: AbortSignal.timeout(DOWNLOAD_MS),
      });
      if (!answer.ok || answer.body === null) throw unreadable(name, `Slack answers ${answer.status}`);
      // Without the right to read files Slack answers with its login page.
      if (answer.headers.get('content-type')?.startsWith('text/html') === true)
        throw unreadable(name, 'the bot may not read files (scope files:read)');
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of answer.body) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw tooLong(name);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw unreadable(name, 'it could not be downloaded');
    }
  };
}

export interface FileReaderOptions {
  /** MAX_CODE, for all files of a message together. */
  maxCodeBytes: number;
  download: DownloadFile;
  /** `files.info`: the file object. */
  askFile: (id: string) => Promise<unknown>;
}

export function createFileReader({ maxCodeBytes, download, askFile }: FileReaderOptions): ReadFiles {
  const find = async (file: PostedFile): Promise<CodeFile | undefined> => {
    const known = file.kind === 'stub' ? readPostedFile(await ask(file.id, askFile)) : file;
    if (known?.kind === 'gone') throw unreadable(undefined, known.why);
    if (known?.kind === 'stub') throw unreadable(undefined, 'Slack does not show it to the bot');
    return known?.kind === 'other' ? undefined : known;
  };
  const readOne = async ({ kind, name, url, syntax }: CodeFile, maxBytes: number): Promise<FileCode> => {
    if (kind === 'code')
      return { syntax, code: toLineFeeds(decode(await download(url, name, maxBytes), name)) };
    const read = await readNotebook(decode(await download(url, name, MAX_NOTEBOOK_BYTES), name), name);
    const shortName = startOf(name.replace(/(?:-executed)?\.ipynb(?:\.\w+)?$/i, ''), MAX_NAME_CHARS);
    return { syntax, code: '', notebook: { name: shortName, ...read } };
  };
  return async (files) => {
    const found = (await Promise.all(files.map(find))).filter((file) => file !== undefined);
    // Files that are too long are refused before anything is downloaded. The size of a notebook says little about its
    // code, because it includes the outputs.
    for (const { kind, name, size = 0 } of found)
      if (kind === 'notebook' && size > MAX_NOTEBOOK_BYTES) throw tooLarge(name, size);
    const sizes = found.flatMap(({ kind, size = 0 }) => (kind === 'notebook' ? [] : [size]));
    mustFit(sizes, maxCodeBytes);
    const read: FileCode[] = [];
    let remaining = maxCodeBytes;
    for (const file of found) {
      const code = await readOne(file, remaining);
      read.push(code);
      remaining -= Buffer.byteLength(code.code);
    }
    return read;
  };
}

/** Checks the sizes that Slack tells. The size of any other file is checked during its download. */
function mustFit(sizes: readonly number[], maxCodeBytes: number): void {
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes <= maxCodeBytes) return;
  throw new UserError(
    'snippetTooLong',
    `${sizes.length === 1 ? 'The file is' : 'The files are'} too long: ${bytes / 1e6} MB, and a run may have ${maxCodeBytes / 1e6} MB. Nothing ran.`,
  );
}

async function ask(id: string, askFile: (id: string) => Promise<unknown>): Promise<unknown> {
  try {
    return await askFile(id);
  } catch (error) {
    throw unreadable(
      undefined,
      refusedAs(error) !== undefined ? 'Slack does not show it to the bot' : 'it could not be looked up',
    );
  }
}

/** Files are on these domains even where the API is reached through a proxy. */
const SLACK_DOMAINS = ['slack.com', 'slack-gov.com', 'slack-files.com'];

/** Whether the bot's token may be sent there: only to the origin of the API, and to Slack's domains over https. */
export function isSlackHost(url: URL, apiUrl: string | undefined): boolean {
  if (apiUrl !== undefined && url.origin === new URL(apiUrl).origin) return true;
  const isSlack = SLACK_DOMAINS.some((domain) => `.${url.hostname}`.endsWith(`.${domain}`));
  return url.protocol === 'https:' && isSlack && url.port === '';
}

function decode(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable(name, 'it is not UTF-8 text');
  }
}

/** `name`: undefined if Slack did not tell it. */
function unreadable(name: string | undefined, why: string): UserError {
  const file = name === undefined ? 'The file' : `The file ${name}`;
  return new UserError('unreadableFile', `${file} could not be read: ${why}. Nothing ran.`);
}

function tooLong(name: string): UserError {
  return new UserError(
    'snippetTooLong',
    `The file ${name} is longer than the code of a run may be. Nothing ran.`,
  );
}

function tooLarge(name: string, bytes: number): UserError {
  const [size, most] = [bytes, MAX_NOTEBOOK_BYTES].map((each) => Math.ceil(each / 1e6));
  return new UserError(
    'snippetTooLong',
    `The notebook ${name} is too large (${size} MB, at most ${most}). Clear its outputs and send it again; nothing ran.`,
  );
}
