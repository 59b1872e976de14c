import { inHome } from '../../folders.ts';
import { readStoreAddress } from '../../store/store.ts';
import {
  filePath,
  flag,
  isDecodable,
  oneOf,
  orWord,
  proxyUrl,
  readAs,
  size,
  text,
  wholeNumber,
  optional,
  withDefault,
} from '../parsers.ts';

export const storeUrl = readAs('sqlite:path, redis://host:port/number or memory:', readStoreAddress);

export const storeFields = {
  STORE_URL: withDefault(storeUrl, 'sqlite:data/sparkthread.db', {
    secret: true,
    example: 'redis://localhost:6379',
    description:
      'Where runs and kernels are stored: sqlite:path (for one process), redis://… or, by TLS, rediss://… (for one process and its standbys; no Redis Cluster), memory: (nothing survives a restart).',
  }),
  SPOOL_DIR: optional(filePath, {
    example: '/mnt/shared/sparkthread',
    description:
      'The folder for output until its answer is posted. By default the folder of the SQLite file, else data. Processes on one Redis should share it, or a takeover loses the output so far. Bots with different stores must not share it: each deletes the output of runs that it does not know.',
  }),
  SPOOL_LIMIT: withDefault(size, '2GB', {
    example: '10GB',
    description:
      'How much output of all runs together is stored on disk, of which a tenth, at most 100 MB, is left free. Output beyond that is shown but not kept, and the answer says so.',
  }),
};

/** Plain http is allowed only on this machine, where nobody can read along. */
const LOCAL_HOSTS = ['127.0.0.1', 'localhost', '[::1]'];

function readAuditTarget(given: string) {
  if (given.toLowerCase() === 'log') return { kind: 'log' } as const;
  const [, path] = /^file:(.+)$/.exec(given) ?? [];
  if (path !== undefined) return { kind: 'file', path: inHome(path.replace(/^\/\/(?=\/)/, '')) } as const;
  const url = URL.parse(given);
  if (url === null || !isDecodable(url)) return undefined;
  const isSafe =
    url.protocol === 'https:' || (url.protocol === 'http:' && LOCAL_HOSTS.includes(url.hostname));
  return isSafe ? ({ kind: 'url', url } as const) : undefined;
}

const address = readAs('host:port', (given) => {
  const [, host, port] = /^(\[[\da-fA-F:.]+\]|[^\s:/]+):(\d{1,5})$/.exec(given) ?? [];
  if (host === undefined || Number(port) > 65_535) return undefined;
  return { host: host.replaceAll(/[[\]]/g, ''), port: Number(port) };
});

export const serverFields = {
  HOST: optional(
    readAs('an address or a name of this machine', (given) =>
      /^[^\s/]+$/.test(given) ? given.replaceAll(/[[\]]/g, '') : undefined,
    ),
    {
      example: '0.0.0.0',
      description:
        'The address on which PORT is opened. By default 127.0.0.1 with Socket Mode, else every address of this machine.',
    },
  ),
  PORT: withDefault(wholeNumber(0, 65_535), '3000', {
    example: '8080',
    description: 'The port of /healthz, /readyz, /leader and, without Socket Mode, /slack/events.',
  }),
  METRICS: withDefault(orWord('off', undefined, address), 'off', {
    example: '127.0.0.1:9464',
    description: 'The address on which Prometheus metrics are served.',
  }),
  LOG_LEVEL: withDefault(oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal']), 'info', {
    example: 'debug',
    description: 'The lowest level that is logged.',
  }),
  AUDIT: withDefault(readAs('log, file:path or https://…', readAuditTarget), 'log', {
    secret: true,
    example: 'file:/var/log/sparkthread/audit.ndjson',
    description:
      'Where the audit lines go, one for each request of a person, whatever LOG_LEVEL is (docs/audit.md): log, file:path, or an https://… that accepts JSON lines by POST.',
  }),
  AUDIT_CODE: withDefault(flag, 'false', {
    example: 'true',
    description: 'Whether audit lines contain the code itself, beside its hash and length.',
  }),
};

export const networkFields = {
  HTTPS_PROXY: optional(proxyUrl, {
    secret: true,
    example: 'http://proxy.example.com:3128',
    description:
      'The proxy for Slack, the gateway, SPARK_STATUS_URL and AUDIT, where these are https or wss. The URL may contain a user and a password. The proxy has to allow CONNECT. https_proxy is read too.',
  }),
  NO_PROXY: optional(text, {
    example: '.cluster.example.com,10.0.0.0/8',
    description:
      'What is reached without the proxy: names with their subdomains, addresses and subnets, each with an optional :port, or *. no_proxy is read too.',
  }),
};
