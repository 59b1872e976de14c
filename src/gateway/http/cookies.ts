import { parseCookie } from 'undici';
import { z } from 'zod';
import { readJson } from '../protocol/json.ts';

/** Header names are in lower case. */
export type Headers = Readonly<Record<string, string>>;

const cookieSchema = z.object({
  name: z.string(),
  value: z.string(),
  host: z.string(),
  /** Subdomains of `host` get it too. */
  isBelow: z.boolean(),
  path: z.string(),
  isSecure: z.boolean(),
  /** In ms since the epoch; absent if it does not expire. */
  endsMs: z.number().optional(),
});
type Cookie = z.infer<typeof cookieSchema>;

/** Load balancers set one or two cookies; further ones are not stored. */
const MAX_COOKIES = 20;
const MAX_CHARACTERS = 4_096;
/** Kernels that end by themselves are not forgotten, so only those that were used last keep their cookies. */
const MAX_KERNELS = 10_000;

/**
 * The cookies of each kernel, by which a load balancer finds the replica that has the kernel; without them another
 * replica answers that there is no such kernel. Starts carry none, so that new kernels are spread.
 */
export class KernelCookies {
  /** As in RFC 6265, as far as the client of one server needs it. */
  readonly #cookies = new Map<string, readonly Cookie[]>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The Cookie header of a call about this kernel: `a=b; c=d`, or empty. */
  header(kernelId: string, url: URL): string {
    return this.#of(kernelId)
      .filter((cookie) => isFor(cookie, url))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  /** `setCookies`: the Set-Cookie headers of a response from `url`. */
  take(kernelId: string, url: URL, setCookies: readonly string[]): void {
    for (const text of setCookies) {
      const cookie = readCookie(url, text, this.#now());
      if (cookie === undefined) continue;
      const others = this.#of(kernelId).filter(({ name, host, path }) => {
        return name !== cookie.name || host !== cookie.host || path !== cookie.path;
      });
      this.#cookies.delete(kernelId);
      this.#cookies.set(kernelId, [...others, cookie].slice(-MAX_COOKIES));
      const [oldest] = this.#cookies.keys();
      if (this.#cookies.size > MAX_KERNELS && oldest !== undefined) this.#cookies.delete(oldest);
    }
  }

  forget(kernelId: string): void {
    this.#cookies.delete(kernelId);
  }

  /** JSON for a later process; undefined if there are none. */
  save(kernelId: string): string | undefined {
    const cookies = this.#of(kernelId);
    return cookies.length === 0 ? undefined : JSON.stringify(cookies);
  }

  restore(kernelId: string, saved: string): void {
    this.#cookies.set(kernelId, z.array(cookieSchema).safeParse(readJson(saved)).data ?? []);
  }

  #of(kernelId: string): Cookie[] {
    return (this.#cookies.get(kernelId) ?? []).filter(({ endsMs = Infinity }) => endsMs > this.#now());
  }
}

function readCookie(url: URL, text: string, now: number): Cookie | undefined {
  const read = text.length > MAX_CHARACTERS ? null : parseCookie(text);
  if (read === null || !/^[^\s;,=]+$/.test(read.name) || !/^[\x20-\x7e]*$/.test(read.value)) return undefined;
  const domain = read.domain?.toLowerCase().replace(/^\./, '');
  if (domain !== undefined && domain !== '' && !isHostWithin(url.hostname, domain)) return undefined;
  const expires = read.expires == null ? undefined : Number(read.expires);
  const endsMs = read.maxAge == null ? expires : now + read.maxAge * 1000;
  return {
    name: read.name,
    value: read.value,
    host: domain === undefined || domain === '' ? url.hostname : domain,
    isBelow: domain !== undefined && domain !== '',
    path: read.path?.startsWith('/') ? read.path : url.pathname.replace(/\/[^/]*$/, '') || '/',
    isSecure: read.secure === true,
    endsMs,
  };
}

function isFor({ host, isBelow, path, isSecure }: Cookie, url: URL): boolean {
  if (isSecure && url.protocol !== 'https:' && url.protocol !== 'wss:') return false;
  if (isBelow ? !isHostWithin(url.hostname, host) : url.hostname !== host) return false;
  return url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
}

function isHostWithin(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

/** Adds cookies (`a=b; c=d` each) to `headers`; names that are present already are left unchanged. */
export function withCookies(headers: Headers, ...more: readonly string[]): Headers {
  const own = headers['cookie'] ?? '';
  const names = new Set(pairsOf(own).map(nameOf));
  const added = more.flatMap(pairsOf).filter((pair) => !names.has(nameOf(pair)));
  if (added.length === 0) return headers;
  return { ...headers, cookie: [...pairsOf(own), ...added].join('; ') };
}

export function hasCookie(headers: Headers, name: string): boolean {
  return pairsOf(headers['cookie'] ?? '').some((pair) => nameOf(pair) === name);
}

function pairsOf(header: string): string[] {
  return header.split(/;\s*/).filter((pair) => pair !== '');
}

function nameOf(pair: string): string {
  return pair.split('=', 1)[0] ?? '';
}
