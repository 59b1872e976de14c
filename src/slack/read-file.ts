import { UserError } from '../errors.ts';
import type { PostedFile } from './doors/posted-message.ts';

/** The text of a file that somebody posted. Throws `UserError` (`unreadableFile`, `snippetTooLong`), a sentence each. */
export type ReadFile = (file: PostedFile) => Promise<string>;

/** More than a kernel takes; the exact limit is the snippet's (protocol.md §2.3). */
const MAX_FILE_BYTES = 9 * 2 ** 20;
const DOWNLOAD_MS = 10_000;

export interface FileReaderOptions {
  token: string;
  /** Slack's API root; by default Slack's own. */
  apiUrl: string | undefined;
}

/** Downloads with the bot's token, which goes to Slack's own hosts only. */
export function fileReader({ token, apiUrl }: FileReaderOptions): ReadFile {
  return async ({ name, size, url }) => {
    if (size !== undefined && size > MAX_FILE_BYTES) throw tooLong(name, size);
    if (url === undefined || !isSlackHost(new URL(url), apiUrl))
      throw unreadable(name, 'it does not lie with Slack');
    const bytes = await download(url, token, name);
    return decode(bytes, name);
  };
}

/** The host of the API, or another one of its domain (`files.slack.com` beside `slack.com`). */
export function isSlackHost(url: URL, apiUrl: string | undefined): boolean {
  const api = new URL(apiUrl ?? 'https://slack.com/api/');
  if (url.host === api.host) return true;
  if (url.protocol !== 'https:' || api.protocol !== 'https:') return false;
  const domain = api.hostname.split('.').slice(-2).join('.');
  return /[a-z]/i.test(domain) && url.hostname.endsWith(`.${domain}`);
}

async function download(url: string, token: string, name: string): Promise<Buffer> {
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
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable(name, 'it is no UTF-8 text');
  }
}

function unreadable(name: string, why: string): UserError {
  return new UserError('unreadableFile', `The file ${name} could not be read: ${why}. Nothing ran.`);
}

function tooLong(name: string, bytes: number): UserError {
  const size = (bytes / 2 ** 20).toFixed(1);
  return new UserError(
    'snippetTooLong',
    `The file ${name} is too long for a kernel (${size} MiB, at most 9). Nothing ran.`,
  );
}
