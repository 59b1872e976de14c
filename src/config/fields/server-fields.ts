import { optional, withDefault } from '../setting.ts';
import { oneOf, readAs, size, text, wholeNumber } from '../parsers.ts';
import { storeUrl } from '../store-url.ts';

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
  METRICS: withDefault(
    readAs('off or host:port', (given) => {
      if (given.toLowerCase() === 'off') return 'off' as const;
      const [, host, port] = /^(\[[\da-fA-F:.]+\]|[^\s:/]+):(\d{1,5})$/.exec(given) ?? [];
      if (host === undefined || Number(port) > 65_535) return undefined;
      return { host: host.replaceAll(/[[\]]/g, ''), port: Number(port) };
    }),
    'off',
    { example: '127.0.0.1:9464', description: 'Where Prometheus metrics are served.' },
  ),
  LOG_LEVEL: withDefault(oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal']), 'info', {
    example: 'debug',
    description: 'The least that is logged.',
  }),
};
