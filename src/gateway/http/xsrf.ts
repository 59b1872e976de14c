import { randomBytes } from 'node:crypto';
import { parseCookie } from 'undici';
import { type Answer, readReason } from './http-errors.ts';
import { hasCookie, type Headers, withCookies } from './cookies.ts';

const COOKIE = '_xsrf';
const HEADER = 'x-xsrftoken';

/**
 * Jupyter Server without a token takes a POST or DELETE only where a cookie and a header say the same (protocol.md §1.2). It
 * asks by refusing; from then on both are sent. What they say is the server's last word for it, or else our own, which
 * Tornado takes as well.
 */
export class XsrfToken {
  #value: string | undefined;
  #isAsked = false;

  /** Of any answer. */
  take(setCookies: readonly string[]): void {
    for (const text of setCookies) {
      const cookie = parseCookie(text);
      if (cookie?.name === COOKIE && /^[\x21-\x7e]+$/.test(cookie.value)) this.#value = cookie.value;
    }
  }

  /** Whether the answer asks for it, so that the request is worth a second try, if `add` gives something else now. */
  isAskedBy(answer: Answer): boolean {
    if (answer.status !== 403 || !/xsrf/i.test(readReason(answer))) return false;
    this.#isAsked = true;
    this.#value ??= randomBytes(16).toString('hex');
    return true;
  }

  /** For a POST or DELETE. What the caller has of its own stays. */
  add(headers: Headers): Headers {
    const hasOwn = HEADER in headers || hasCookie(headers, COOKIE);
    if (!this.#isAsked || this.#value === undefined || hasOwn) return headers;
    return { ...withCookies(headers, `${COOKIE}=${this.#value}`), [HEADER]: this.#value };
  }
}
