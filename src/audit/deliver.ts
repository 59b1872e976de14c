import { appendFile, mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Takes whole lines, each with its line break; rejects where they were not taken. */
export type Deliver = (lines: string, signal: AbortSignal) => Promise<void>;

const ANSWER_MS = 10_000;

/** Opens the file anew each time, so that one that was moved away by a log rotation is begun again. */
export function deliverToFile(path: string): Deliver {
  const file = resolve(path);
  return async (lines) => {
    await mkdir(dirname(file), { recursive: true });
    await appendFile(file, lines, { mode: 0o600 });
  };
}

/** What posts go through: the process's own fetch, or one that takes a proxy. */
export type Post = (
  url: URL,
  init: {
    method: 'POST';
    headers: Record<string, string>;
    body: string;
    redirect: 'error';
    signal: AbortSignal;
  },
) => Promise<Response>;

/** Posts lines as JSON lines. What stands before the host of the address is sent as Basic authorization. */
export function deliverToUrl(address: URL, post: Post = fetch): Deliver {
  const url = new URL(address);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const basic = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const headers = {
    'content-type': 'application/x-ndjson',
    ...(basic === ':' ? {} : { authorization: `Basic ${Buffer.from(basic).toString('base64')}` }),
  };
  return async (body, signal) => {
    const answer = await post(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`it answers HTTP ${answer.status}`);
  };
}
