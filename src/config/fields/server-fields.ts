import { readStoreAddress } from '../../store/store.ts';
import {
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
      'Where runs and kernels are remembered: sqlite:path (one process), redis://… (one and its standbys), memory: (nothing survives a restart).',
  }),
  SPOOL_DIR: optional(text, {
    example: '/mnt/shared/sparkthread',
    description:
      'The folder in which output is spooled until its answer is posted. By default the SQLite file’s, else data. Processes on one Redis should share it, or a takeover loses the output so far.',
  }),
  SPOOL_LIMIT: withDefault(size, '2GB', {
    example: '10GB',
    description:
      'How much output of all runs together is spooled. What is more is shown, not kept, and the answer says so.',
  }),
};

/** A plain address counts only on this machine: nobody reads along there. */
const LOCAL_HOSTS = ['127.0.0.1', 'localhost', '[::1]'];

function readAuditTarget(given: string) {
  if (given.toLowerCase() === 'log') return { kind: 'log' } as const;
  const [, path] = /^file:(.+)$/.exec(given) ?? [];
  if (path !== undefined) return { kind: 'file', path: path.replace(/^\/\/(?=\/)/, '') } as const;
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
        'The address that PORT is opened on. By default 127.0.0.1 with Socket Mode, else every address of this machine.',
    },
  ),
  PORT: withDefault(wholeNumber(0, 65_535), '3000', {
    example: '8080',
    description: 'The port of /healthz, /readyz, /leader and, without Socket Mode, /slack/events.',
  }),
  METRICS: withDefault(orWord('off', undefined, address), 'off', {
    example: '127.0.0.1:9464',
    description: 'Where Prometheus metrics are served.',
  }),
  LOG_LEVEL: withDefault(oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal']), 'info', {
    example: 'debug',
    description: 'The least that is logged.',
  }),
  AUDIT: withDefault(readAs('log, file:path or https://…', readAuditTarget), 'log', {
    secret: true,
    example: 'file:/var/log/sparkthread/audit.ndjson',
    description:
      'Where a line goes for each thing that somebody asked for, whatever LOG_LEVEL is (docs/audit.md): log, file:path, or https://… that takes JSON lines by POST.',
  }),
  AUDIT_CODE: withDefault(flag, 'false', {
    example: 'true',
    description: 'Whether audit lines carry the code itself, beside its hash and length.',
  }),
};

export const networkFields = {
  HTTPS_PROXY: optional(proxyUrl, {
    secret: true,
    example: 'http://proxy.example.com:3128',
    description:
      'The proxy on the way to Slack, to the gateway, to SPARK_STATUS_URL and to AUDIT, where these are https or wss; a user and a password may stand before the host. It has to let CONNECT through. https_proxy is read too.',
  }),
  NO_PROXY: optional(text, {
    example: '.cluster.example.com,10.0.0.0/8',
    description:
      'What is reached without the proxy: names with all below them, addresses, subnets, each with :port or without, or *. no_proxy is read too.',
  }),
};
