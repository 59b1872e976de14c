import { readAs } from './parsers.ts';

export type StoreSettings =
  /** A file of this process alone. */
  | { kind: 'sqlite'; path: string }
  /** `redis://` or `rediss://`, with user and password where it has them. */
  | { kind: 'redis'; url: string; password: string | undefined }
  /** Nothing survives the process. */
  | { kind: 'memory' };

export const storeUrl = readAs<StoreSettings>('sqlite:path, redis://host:port/number or memory:', (given) => {
  if (/^memory:(\/\/)?$/.test(given)) return { kind: 'memory' };
  const [, path] = /^sqlite:(?!\/\/|:)(.+)$/.exec(given) ?? [];
  if (path !== undefined) return { kind: 'sqlite', path };
  const url = URL.parse(given);
  if (url === null || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') return undefined;
  // After the host stands the number of a database, or nothing.
  if (!/^(\/\d*)?$/.test(url.pathname)) return undefined;
  return {
    kind: 'redis',
    url: given,
    password: url.password === '' ? undefined : decodePassword(url.password),
  };
});

/** The address again, as the store opens it. */
export function storeAddress(store: StoreSettings): string {
  switch (store.kind) {
    case 'memory':
      return 'memory:';
    case 'sqlite':
      return `sqlite:${store.path}`;
    case 'redis':
      return store.url;
  }
}

function decodePassword(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}
