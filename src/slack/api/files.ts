import { WebAPIPlatformError } from '@slack/web-api';
import { UserError } from '../../errors.ts';
import { type CodeFile, type PostedFile, readPostedFile } from '../parsing/posted-file.ts';
import type { SlackFetch } from '../transport/network.ts';
import { toLineFeeds } from '../parsing/smart-punctuation.ts';

/** The text of a file that somebody posted. */
export interface FileCode {
  /** The language its name or kind says. */
  syntax: string | undefined;
  code: string;
}

/**
 * The code of posted files, in their order, without those that turn out to be none. Throws `UserError`
 * (`unreadableFile`, `snippetTooLong`), a sentence each.
 */
export type ReadFiles = (files: readonly PostedFile[]) => Promise<FileCode[]>;

/** More than a kernel takes; the exact limit is the snippet's. */
const MAX_FILE_BYTES = 9 * 2 ** 20;
const DOWNLOAD_MS = 10_000;

export interface FileReaderOptions {
  token: string;
  /** Slack's API root; by default Slack's own. */
  apiUrl: string | undefined;
  fetch: SlackFetch;
  /** `files.info`: the file object. */
  askFile: (id: string) => Promise<unknown>;
}

/** Downloads with the bot's token, which goes to Slack's own hosts only. */
export function createFileReader({ token, apiUrl, fetch, askFile }: FileReaderOptions): ReadFiles {
  const find = async (file: PostedFile): Promise<CodeFile | undefined> => {
    const known = file.kind === 'stub' ? readPostedFile(await ask(file.id, askFile)) : file;
    if (known?.kind === 'gone') throw unreadable(undefined, known.why);
    if (known?.kind === 'stub') throw unreadable(undefined, 'Slack does not show it to the bot');
    return known?.kind === 'other' ? undefined : known;
  };
  const read = async (file: PostedFile): Promise<FileCode | undefined> => {
    const found = await find(file);
    if (found === undefined) return undefined;
    const { name, size, url, syntax } = found;
    if (size !== undefined && size > MAX_FILE_BYTES) throw tooLong(name, size);
    if (url === undefined || !isSlackHost(new URL(url), apiUrl))
      throw unreadable(name, 'it does not lie with Slack');
    return { syntax, code: decode(await download(fetch, url, token, name), name) };
  };
  return async (files) => (await Promise.all(files.map(read))).filter((code) => code !== undefined);
}

async function ask(id: string, askFile: (id: string) => Promise<unknown>): Promise<unknown> {
  try {
    return await askFile(id);
  } catch (error) {
    throw unreadable(
      undefined,
      error instanceof WebAPIPlatformError
        ? 'Slack does not show it to the bot'
        : 'it could not be looked up',
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

async function download(fetch: SlackFetch, url: string, token: string, name: string): Promise<Buffer> {
  try {
    const answer = await fetch(url, {
      headers: { authorization: `Bearer ${token}` },
      redirect: 'error',
      signal: AbortSignal.timeout(DOWNLOAD_MS),
    });
    if (!answer.ok || answer.body === null) throw unreadable(name, `Slack answers ${answer.status}`);
    // Without the right to read files Slack answers with its page for logging in.
    if (answer.headers.get('content-type')?.startsWith('text/html') === true)
      throw unreadable(name, 'the bot may not read files (scope files:read)');
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of answer.body) {
      bytes += chunk.length;
      if (bytes > MAX_FILE_BYTES) throw tooLong(name, bytes);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw unreadable(name, 'it could not be downloaded');
  }
}

function decode(bytes: Buffer, name: string): string {
  try {
    return toLineFeeds(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw unreadable(name, 'it is no UTF-8 text');
  }
}

/** `name` is undefined where Slack did not tell it. */
function unreadable(name: string | undefined, why: string): UserError {
  const file = name === undefined ? 'The file' : `The file ${name}`;
  return new UserError('unreadableFile', `${file} could not be read: ${why}. Nothing ran.`);
}

function tooLong(name: string, bytes: number): UserError {
  const size = (bytes / 2 ** 20).toFixed(1);
  return new UserError(
    'snippetTooLong',
    `The file ${name} is too long for a kernel (${size} MiB, at most 9). Nothing ran.`,
  );
}
