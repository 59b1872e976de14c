import { type Cookie, parseCookie } from 'undici';
import { z } from 'zod';
import { readJson } from '../protocol/json.ts';

/** Header names are in lower case. */
export type Headers = Readonly<Record<string, string>>;

/** Load balancers set one or two cookies; further ones are not stored. */
const MAX_COOKIES = 20;
const MAX_CHARACTERS = 4_096;
/** Kernels that end by themselves are not forgotten, so only those that were used last keep their cookies. */
const MAX_KERNELS = 10_000;

const saved = z.array(z.tuple([z.string(), z.string()]));

/**
 * The cookies of each kernel, by which a load balancer finds the replica that has the kernel; without them another
 * replica answers that there is no such kernel. Starts carry none, so that new kernels are spread. All of them go to the
 * one gateway, so host and path do not matter.
 */
export class KernelCookies {
  /** By kernel: the values by name. */
  readonly #kernels = new Map<string, Map<string, string>>();

  /** The Cookie header of a call about this kernel: `a=b; c=d`, or empty. */
  header(kernelId: string): string {
    return [...(this.#kernels.get(kernelId) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** `setCookies`: the Set-Cookie headers of a response. */
  take(kernelId: string, setCookies: readonly string[]): void {
    for (const text of setCookies) {
      const read = text.length > MAX_CHARACTERS ? null : parseCookie(text);
      if (read === null || !/^[^\s;,=]+$/.test(read.name) || !/^[\x20-\x7e]*$/.test(read.value)) continue;
      const cookies = this.#kernels.get(kernelId) ?? new Map<string, string>();
      cookies.delete(read.name);
      if (!isOver(read)) cookies.set(read.name, read.value);
      dropOldest(cookies, MAX_COOKIES);
      this.#kernels.delete(kernelId);
      this.#kernels.set(kernelId, cookies);
      dropOldest(this.#kernels, MAX_KERNELS);
    }
  }

  forget(kernelId: string): void {
    this.#kernels.delete(kernelId);
  }

  /** JSON for a later process; undefined if there are none. */
  save(kernelId: string): string | undefined {
    const cookies = [...(this.#kernels.get(kernelId) ?? [])];
    return cookies.length === 0 ? undefined : JSON.stringify(cookies);
  }

  restore(kernelId: string, json: string): void {
    this.#kernels.set(kernelId, new Map(saved.safeParse(readJson(json)).data));
  }
}

/** By such a cookie a server takes back the one that it has set. */
function isOver({ maxAge, expires }: Cookie): boolean {
  return maxAge == null ? expires != null && Number(expires) <= Date.now() : maxAge <= 0;
}

function dropOldest(map: Map<string, unknown>, most: number): void {
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
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
