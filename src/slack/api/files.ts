import { UserError } from '../../errors.ts';
import { MAX_NOTEBOOK_BYTES, readNotebook } from '../../notebooks/read.ts';
import { toLineFeeds } from '../../text.ts';
import { startOf } from '../blocks/truncate.ts';
import { type CodeFile, type FileCode, type PostedFile, readPostedFile } from '../parsing/files.ts';
import type { SlackFetch } from '../transport/network.ts';
import { refusedAs } from './call-error.ts';

/**
 * The code of posted files, in their order, without those that turn out to be none. Throws `UserError`
 * (`unreadableFile`, `snippetTooLong`), a sentence each.
 */
export type ReadFiles = (files: readonly PostedFile[]) => Promise<FileCode[]>;

const DOWNLOAD_MS = 10_000;
/** Of a notebook's name, which the executed one gets too. */
const MAX_NAME_CHARS = 150;

/** What lies at one of Slack's own addresses. Rejects with `UserError`. */
export type DownloadFile = (url: string | undefined, name: string, maxBytes: number) => Promise<Buffer>;

/** Downloads with the bot's token, which goes to Slack's own hosts only. `apiUrl`: Slack's API root; by default Slack's own. */
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
  /** MAX_CODE: of all files of one message together. */
  maxCodeBytes: number;
  bring: DownloadFile;
  /** `files.info`: the file object. */
  askFile: (id: string) => Promise<unknown>;
}

export function createFileReader({ maxCodeBytes, bring, askFile }: FileReaderOptions): ReadFiles {
  const find = async (file: PostedFile): Promise<CodeFile | undefined> => {
    const known = file.kind === 'stub' ? readPostedFile(await ask(file.id, askFile)) : file;
    if (known?.kind === 'gone') throw unreadable(undefined, known.why);
    if (known?.kind === 'stub') throw unreadable(undefined, 'Slack does not show it to the bot');
    return known?.kind === 'other' ? undefined : known;
  };
  const readOne = async ({ kind, name, url, syntax }: CodeFile, maxBytes: number): Promise<FileCode> => {
    if (kind === 'code') return { syntax, code: toLineFeeds(decode(await bring(url, name, maxBytes), name)) };
    const read = await readNotebook(decode(await bring(url, name, MAX_NOTEBOOK_BYTES), name), name);
    const shortName = startOf(name.replace(/\.ipynb$/i, ''), MAX_NAME_CHARS);
    return { syntax, code: '', notebook: { name: shortName, ...read } };
  };
  return async (files) => {
    const found = (await Promise.all(files.map(find))).filter((file) => file !== undefined);
    // What would be refused for its length is not downloaded first.
    const [notebooks, others] = [found.filter(isNotebook), found.filter((file) => !isNotebook(file))];
    for (const { name, size = 0 } of notebooks) if (size > MAX_NOTEBOOK_BYTES) throw tooLarge(name, size);
    mustFit(
      others.map(({ size = 0 }) => size),
      maxCodeBytes,
    );
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

/** Its outputs are in the file, so that its size says little of its code. */
function isNotebook({ kind }: CodeFile): boolean {
  return kind === 'notebook';
}

/** Slack says the sizes; a file whose size it does not say is cut short while it comes. */
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

/** Slack's own domains, for files too where the API is reached by a proxy. */
const SLACK_DOMAINS = ['slack.com', 'slack-gov.com', 'slack-files.com'];

/** Whether the bot's token may go there: the very host of the API, and Slack's own domains over https. */
export function isSlackHost(url: URL, apiUrl: string | undefined): boolean {
  if (apiUrl !== undefined && url.origin === new URL(apiUrl).origin) return true;
  const isSlack = SLACK_DOMAINS.some(
    (domain) => url.hostname === domain || url.hostname.endsWith(`.${domain}`),
  );
  return url.protocol === 'https:' && isSlack && url.port === '';
}

function decode(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable(name, 'it is not UTF-8 text');
  }
}

/** `name` is undefined where Slack did not tell it. */
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
