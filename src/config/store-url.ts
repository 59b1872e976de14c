import { readAs } from './parsers.ts';

/** `address` is what the store opens. */
export type StoreSettings =
  /** A file of this process alone. */
  | { kind: 'sqlite'; address: string; path: string }
  /** `redis://` or `rediss://`, with user and password where it has them. */
  | { kind: 'redis'; address: string; password: string | undefined }
  /** Nothing survives the process. */
  | { kind: 'memory'; address: string };

export const storeUrl = readAs<StoreSettings>('sqlite:path, redis://host:port/number or memory:', (given) => {
  if (/^memory:(\/\/)?$/.test(given)) return { kind: 'memory', address: 'memory:' };
  const [, path] = /^sqlite:(?!\/\/|:)(.+)$/.exec(given) ?? [];
  if (path !== undefined) return { kind: 'sqlite', address: given, path };
  const url = URL.parse(given);
  if (url === null || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') return undefined;
  // The path is the number of a database, or nothing.
  if (!/^(\/\d*)?$/.test(url.pathname)) return undefined;
  const password = url.password === '' ? undefined : decodePassword(url.password);
  return { kind: 'redis', address: given, password };
});

function decodePassword(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}
