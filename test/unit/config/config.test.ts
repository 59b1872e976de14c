import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadEnvFile, readConfig } from '../../../src/config/config.ts';
import { settings } from '../../../src/config/settings.ts';
import { ConfigError } from '../../../src/errors.ts';
import { LEAST, problemsOf } from '../../support/least-settings.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparkthread-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function pem(name: string): string {
  return readFileSync(new URL(`../../fixtures/certs/${name}`, import.meta.url), 'utf8');
}

function encrypted(key: string, passphrase: string): string {
  return String(
    createPrivateKey(key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }),
  );
}

const credentials = {
  cluster: {
    cluster_id: '20170412-084729-981-mzVunjuU',
    user: 'clsadmin',
    password: '5auuF5SU3e0G',
    service_endpoints: {
      ambari_console: 'https://host:9443',
      notebook_gateway: 'https://host:8443/gateway/default/jkg/',
      notebook_gateway_websocket: 'wss://host:8443/gateway/default/jkgws/',
    },
  },
};

describe('the minimal settings', () => {
  it('fills in every default', () => {
    const config = readConfig(LEAST);
    expect(config).toMatchObject({
      slack: { botToken: 'xoxb-bot-token', transport: { kind: 'socket', appToken: 'xapp-app-token' } },
      gateway: {
        httpUrl: 'http://127.0.0.1:8888/',
        wsUrl: 'ws://127.0.0.1:8888/',
        headers: {},
        tls: { verify: true },
        launchTimeoutMs: 120_000,
        maxMessageBytes: 32_000_000,
        startConcurrency: 1,
      },
      store: { kind: 'sqlite', url: 'sqlite:data/sparkthread.db', path: 'data/sparkthread.db' },
      runs: {
        aliases: {},
        defaultLanguage: undefined,
        autoRun: 'mention',
        editWindowMs: 600_000,
        runTimeoutMs: undefined,
        inputTimeoutMs: 600_000,
        notifyAfterMs: 60_000,
        resultReactions: true,
        maxCodeBytes: 1_000_000,
        maxOutputBytes: 100_000_000,
        queueLimit: 20,
        userLimit: 5,
        kernelsPerUser: undefined,
        keepRunsMs: 30 * 86_400_000,
      },
      kernels: {
        username: undefined,
        env: {},
        several: false,
        idleTimeoutMs: 12 * 3_600_000,
      },
      policy: {
        admins: [],
        restartBy: 'admins',
        allowedChannels: undefined,
        allowedUsers: undefined,
        allowedBots: [],
        allowGuests: false,
        allowExternal: false,
      },
      http: { host: '127.0.0.1', port: 3000, metrics: undefined },
      spoolDir: 'data',
      spoolLimitBytes: 2_000_000_000,
      logLevel: 'info',
      warnings: [],
    });
  });

  it('takes signed HTTP when there is no app token, and Socket Mode when there are both', () => {
    const { SLACK_APP_TOKEN, ...rest } = LEAST;
    const http = { ...rest, SLACK_SIGNING_SECRET: 'shhh-secret' };
    expect(readConfig(http).slack.transport).toEqual({ kind: 'http', signingSecret: 'shhh-secret' });
    expect(readConfig({ ...http, SLACK_APP_TOKEN }).slack.transport.kind).toBe('socket');
  });

  it('listens on this machine alone with Socket Mode, else on every address, unless HOST says otherwise', () => {
    const { SLACK_APP_TOKEN: _, ...rest } = LEAST;
    const http = { ...rest, SLACK_SIGNING_SECRET: 'shhh-secret' };
    expect(readConfig(LEAST).http.host).toBe('127.0.0.1');
    expect(readConfig(http).http.host).toBeUndefined();
    expect(readConfig({ ...LEAST, HOST: '0.0.0.0' }).http.host).toBe('0.0.0.0');
    expect(readConfig({ ...http, HOST: '[::1]' }).http.host).toBe('::1');
  });

  it.each([
    ['1', false],
    ['several', true],
    ['SEVERAL', true],
    ['2', true],
    ['15', true],
  ])('KERNELS_PER_CHANNEL=%s: kernels side by side is %s', (value, several) => {
    expect(readConfig({ ...LEAST, KERNELS_PER_CHANNEL: value }).kernels.several).toBe(several);
  });

  it.each([
    ['none', undefined],
    ['3', 3],
  ])('KERNELS_PER_USER=%s', (value, limit) => {
    expect(readConfig({ ...LEAST, KERNELS_PER_USER: value }).runs.kernelsPerUser).toBe(limit);
    expect(problemsOf({ ...LEAST, KERNELS_PER_USER: '0' })).toEqual([
      'KERNELS_PER_USER must be none or a whole number, 1 or more, not "0".',
    ]);
  });

  it('shows no rows of a DataFrame that nobody asked to see, unless SHOW_DATAFRAMES says how many', () => {
    const rows = (env: Record<string, string>): number => readConfig({ ...LEAST, ...env }).spark.resultRows;
    expect(rows({})).toBe(0);
    expect(rows({ SHOW_DATAFRAMES: 'Off' })).toBe(0);
    expect(rows({ SHOW_DATAFRAMES: '50' })).toBe(50);
    expect(problemsOf({ ...LEAST, SHOW_DATAFRAMES: '0' })).toEqual([
      'SHOW_DATAFRAMES must be off or a whole number from 1 to 1000000, not "0".',
    ]);
  });

  it('counts an empty variable as absent', () => {
    expect(readConfig({ ...LEAST, RUN_TIMEOUT: '', PORT: '  ' }).http.port).toBe(3000);
  });
});

describe('mistakes', () => {
  it('reports everything that is missing at once', () => {
    expect(problemsOf({})).toEqual([
      expect.stringMatching(/^SLACK_BOT_TOKEN is missing/),
      expect.stringMatching(/^SLACK_APP_TOKEN is missing.*SLACK_SIGNING_SECRET/),
      expect.stringMatching(/^KG_URL is missing/),
    ]);
  });

  it('reports every wrong value once, together with what is missing', () => {
    const problems = problemsOf({
      KG_URL: 'cluster.example.com',
      RUN_TIMEOUT: 'soon',
      MAX_OUTPUT: 'lots',
      PORT: '70000',
      AUTO_RUN: 'sometimes',
      ALLOW_GUESTS: 'perhaps',
      ADMINS: '@ana',
      KERNEL_ENV: '{"A":1}',
      LANGUAGES: 'python2',
      KG_CLIENT_CA: join(folder, 'absent.pem'),
    });
    const names = new Set(problems.map((problem) => problem.split(/[ :]/)[0]));
    expect(problems).toHaveLength(12);
    expect(names).toEqual(
      new Set([
        'ADMINS',
        'ALLOW_GUESTS',
        'AUTO_RUN',
        'KERNEL_ENV',
        'KG_CLIENT_CA',
        'KG_URL',
        'LANGUAGES',
        'MAX_OUTPUT',
        'PORT',
        'RUN_TIMEOUT',
        'SLACK_APP_TOKEN',
        'SLACK_BOT_TOKEN',
      ]),
    );
    for (const problem of problems) expect(problem).toMatch(/\.$/);
    expect(problems).toContain(
      'RUN_TIMEOUT must be none or a duration such as 90s, 10m, 12h or 30d (a bare number is seconds), at most 24d, not "soon".',
    );
  });

  it.each([
    ['SLACK_BOT_TOKEN', 'xoxp-hidden-word'],
    ['SLACK_APP_TOKEN', 'xoxb-hidden-word'],
    ['KG_URL', 'https://user:hidden-word@host/'],
    ['KG_WS_URL', 'wss://user:p/hidden-word,a@host/'],
    ['KG_URL', 'user:hidden-word@host:8888'],
    ['KG_URL', 'http://host:8888/?token=hidden-word'],
    ['JUPYTER_GATEWAY_URL', 'http://host:8888/lab#token=hidden-word'],
    ['KG_HEADERS', '{"X": ["hidden-word"]}'],
    ['STORE_URL', 'mysql://user:hidden-word@host/'],
  ])('never repeats the secret in %s', (name, value) => {
    const problems = problemsOf({ ...LEAST, [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(name);
    expect(problems.join()).not.toContain('hidden-word');
  });

  it('says where a token belongs that was pasted with the gateway’s address', () => {
    const problems = problemsOf({ ...LEAST, KG_URL: 'http://host:8888/?token=hidden-word' });
    expect(problems).toEqual([expect.stringMatching(/^KG_URL must be .* a query \(.*KG_AUTH_TOKEN\)/)]);
  });

  it('refuses a bot token that ends after 12 hours, and says why', () => {
    const problems = problemsOf({ ...LEAST, SLACK_BOT_TOKEN: 'xoxe.xoxb-1-hidden-word' });
    expect(problems).toEqual([expect.stringMatching(/^SLACK_BOT_TOKEN must be .*12 hours.*token rotation/)]);
    expect(problems.join()).not.toContain('hidden-word');
  });

  it('wants a user and a password together', () => {
    expect(problemsOf({ ...LEAST, KG_HTTP_USER: 'u' })).toEqual([
      expect.stringMatching(/^KG_HTTP_PASS is missing/),
    ]);
    expect(problemsOf({ ...LEAST, KG_HTTP_PASS: 'p' })).toEqual([
      expect.stringMatching(/^KG_HTTP_USER is missing/),
    ]);
  });

  it('refuses a user that HTTP Basic cannot carry', () => {
    expect(problemsOf({ ...LEAST, KG_HTTP_USER: 'a:b', KG_HTTP_PASS: 'p' })).toEqual([
      expect.stringMatching(/^KG_HTTP_USER must not contain a colon/),
    ]);
  });

  it('refuses two Authorization headers and what the bot sets itself', () => {
    const basic = { ...LEAST, KG_HTTP_USER: 'u', KG_HTTP_PASS: 'p' };
    expect(problemsOf({ ...basic, KG_HEADERS: '{"authorization":"Bearer x"}' })).toHaveLength(1);
    expect(
      problemsOf({ ...basic, KG_HEADERS: '{"Content-Length":"0","X-Team":"data","Expect":""}' }),
    ).toEqual([
      'KG_HEADERS must not hold content-length: each connection has its own.',
      'KG_HEADERS must not hold expect: each connection has its own.',
    ]);
    expect(problemsOf({ ...LEAST, KERNEL_ENV: '{"KERNEL_ID":"1","KERNEL_USERNAME":"x"}' })).toHaveLength(2);
  });
});

describe('values', () => {
  it.each([
    ['90s', 90_000],
    ['10m', 600_000],
    ['12h', 43_200_000],
    ['2d', 172_800_000],
    ['45', 45_000],
    ['0.5s', 500],
    ['1.5 H', 5_400_000],
    ['none', undefined],
  ])('reads the duration %s', (text, ms) => {
    expect(readConfig({ ...LEAST, RUN_TIMEOUT: text }).runs.runTimeoutMs).toBe(ms);
  });

  it.each(['0', '-1', '10 minutes', '1h30m', '25d', 'never', '1e3'])(
    'refuses the waiting time %s',
    (text) => {
      expect(problemsOf({ ...LEAST, RUN_TIMEOUT: text })).toHaveLength(1);
    },
  );

  it('lets none stand only where there may be no limit', () => {
    expect(readConfig({ ...LEAST, KEEP_RUNS: 'none', IDLE_TIMEOUT: 'none' })).toMatchObject({
      runs: { keepRunsMs: undefined },
      kernels: { idleTimeoutMs: undefined },
    });
    expect(problemsOf({ ...LEAST, INPUT_TIMEOUT: 'none' })).toHaveLength(1);
    expect(readConfig({ ...LEAST, KEEP_RUNS: '365d' }).runs.keepRunsMs).toBe(365 * 86_400_000);
  });

  it.each([
    ['100MB', 100_000_000],
    ['1.5 GB', 1_500_000_000],
    ['64KiB', 65_536],
    ['1048576', 1_048_576],
  ])('reads the size %s', (text, bytes) => {
    expect(readConfig({ ...LEAST, MAX_OUTPUT: text }).runs.maxOutputBytes).toBe(bytes);
  });

  it.each(['0', '-5MB', '10 apples', 'MB', '9999999999GB'])('refuses the size %s', (text) => {
    expect(problemsOf({ ...LEAST, MAX_OUTPUT: text })).toHaveLength(1);
  });

  it.each([
    ['memory:', { kind: 'memory' }],
    ['sqlite:data/x.db', { kind: 'sqlite', path: 'data/x.db' }],
    ['sqlite:/var/lib/x.db', { kind: 'sqlite', path: '/var/lib/x.db' }],
    ['redis://localhost:6379/2', { kind: 'redis', password: '' }],
    ['redis://:100%@host', { kind: 'redis', password: '100%' }],
    ['rediss://:p%40ss@host', { kind: 'redis', password: 'p@ss' }],
  ])('reads the store %s', (url, store) => {
    expect(readConfig({ ...LEAST, STORE_URL: url }).store).toEqual({ ...store, url });
  });

  it.each([
    'sqlite:',
    'sqlite://x.db',
    'sqlite::memory:',
    'redis:',
    'redis://h/name',
    'redis://h?db=3',
    'redis://h/3#password',
    'postgres://x',
    'data/x.db',
  ])('refuses the store %s', (url) => expect(problemsOf({ ...LEAST, STORE_URL: url })).toHaveLength(1));

  it('reads ~ as the home folder in each path', () => {
    const config = readConfig({
      ...LEAST,
      STORE_URL: 'sqlite:~/x.db',
      SPOOL_DIR: '~',
      AUDIT: 'file:~/audit.ndjson',
      KG_AUTH_TOKEN_FILE: '~/token',
    });
    expect(config).toMatchObject({
      store: { path: join(homedir(), 'x.db') },
      spoolDir: homedir(),
      audit: { target: { path: join(homedir(), 'audit.ndjson') } },
      gatewayCredentials: { place: { path: join(homedir(), 'token') } },
    });
    const missing = '~/sparkthread-is-not-here';
    expect(problemsOf({ ...LEAST, KG_CLIENT_CA: missing, KG_SERVICE_CREDENTIALS: missing })).toEqual(
      expect.arrayContaining(
        ['KG_CLIENT_CA', 'KG_SERVICE_CREDENTIALS'].map((name) =>
          expect.stringContaining(`${name}: the file ${homedir()}/`),
        ),
      ),
    );
    expect(readConfig({ ...LEAST, SPOOL_DIR: 'a/~/b~' }).spoolDir).toBe('a/~/b~');
  });

  it('takes no notice of blanks and of the line end of a file from Windows', () => {
    const config = readConfig({ ...LEAST, ALLOW_GUESTS: 'true\r', KG_AUTH_TOKEN: ' token\r' });
    expect(config.policy.allowGuests).toBe(true);
    expect(config.gateway.token).toBe('token');
  });

  it('reads lists, pairs and JSON', () => {
    const config = readConfig({
      ...LEAST,
      LANGUAGES: 'Python2=python2-spark21, scala=scala-spark21,',
      ADMINS: 'U1, S2 W3',
      ALLOWED_CHANNELS: 'C1,G2',
      KERNEL_ENV: '{"KERNEL_QUEUE":"adhoc"}',
      KERNEL_USERNAME: 'spark-{channel}-{user}',
      METRICS: '127.0.0.1:9464',
    });
    expect(config.runs.aliases).toEqual({ python2: 'python2-spark21', scala: 'scala-spark21' });
    expect(config.policy).toMatchObject({ admins: ['U1', 'S2', 'W3'], allowedChannels: ['C1', 'G2'] });
    expect(config.kernels).toMatchObject({
      env: { KERNEL_QUEUE: 'adhoc' },
      username: 'spark-{channel}-{user}',
    });
    expect(config.http.metrics).toEqual({ host: '127.0.0.1', port: 9464 });
  });

  it('takes START_CONCURRENCY, SPOOL_LIMIT and MAX_CODE', () => {
    expect(
      readConfig({ ...LEAST, START_CONCURRENCY: '2', SPOOL_LIMIT: '10GB', MAX_CODE: '2MB' }),
    ).toMatchObject({
      gateway: { startConcurrency: 2 },
      spoolLimitBytes: 10_000_000_000,
      runs: { maxCodeBytes: 2_000_000 },
    });
  });

  it.each([
    ['LANGUAGES', 'a=b,a=c'],
    ['KERNEL_USERNAME', '{team}'],
    ['METRICS', '9464'],
    ['START_CONCURRENCY', '0'],
    ['KERNELS_PER_CHANNEL', '0'],
    ['KERNELS_PER_CHANNEL', 'many'],
    ['HOST', 'http://host'],
    ['MAX_CODE', '0'],
    ['DEFAULT_LANGUAGE', 'python 2'],
    ['KG_WS_URL', 'https://host/'],
    ['KG_HEADERS', '{"X-Team":"data\\nX-Other: 1"}'],
    ['KG_AUTH_TOKEN', 'tok“en'],
  ])('refuses %s=%s', (name, value) => expect(problemsOf({ ...LEAST, [name]: value })).toHaveLength(1));
});

describe('the gateway', () => {
  it('keeps path prefixes and adds the trailing slash', () => {
    const { gateway } = readConfig({ ...LEAST, KG_URL: 'https://host:8443/gateway/default/jkg' });
    expect(gateway.httpUrl).toBe('https://host:8443/gateway/default/jkg/');
    expect(gateway.wsUrl).toBe('wss://host:8443/gateway/default/jkg/');
  });

  it('takes Jupyter Server’s names', () => {
    const { SLACK_BOT_TOKEN, SLACK_APP_TOKEN } = LEAST;
    const { gateway } = readConfig({
      SLACK_BOT_TOKEN,
      SLACK_APP_TOKEN,
      JUPYTER_GATEWAY_URL: 'https://host/jkg',
      JUPYTER_GATEWAY_WS_URL: 'wss://host/jkgws',
      JUPYTER_GATEWAY_HTTP_USER: 'u',
      JUPYTER_GATEWAY_HTTP_PWD: 'p',
      JUPYTER_GATEWAY_AUTH_TOKEN: 't',
      JUPYTER_GATEWAY_HEADERS: '{"X-Team":"data"}',
      JUPYTER_GATEWAY_VALIDATE_CERT: 'no',
    });
    expect(gateway).toMatchObject({
      httpUrl: 'https://host/jkg/',
      wsUrl: 'wss://host/jkgws/',
      user: 'u',
      pass: 'p',
      token: 't',
      headers: { 'X-Team': 'data' },
      tls: { verify: false },
    });
  });

  it.each([
    [{ JUPYTER_GATEWAY_HTTP_USER: 'u' }, 'KG_HTTP_PASS is missing: JUPYTER_GATEWAY_HTTP_USER needs it.'],
    [
      { JUPYTER_GATEWAY_AUTH_TOKEN: 't', KG_AUTH_TOKEN_FILE: 'token' },
      'JUPYTER_GATEWAY_AUTH_TOKEN is given beside KG_AUTH_TOKEN_FILE: give one of them.',
    ],
  ])('complains of %j by the names that were given', (given, problem) => {
    expect(problemsOf({ ...LEAST, ...given })).toEqual([problem]);
  });

  it('lets KG_ win over its alias and says so', () => {
    const config = readConfig({ ...LEAST, JUPYTER_GATEWAY_URL: 'http://other:1/' });
    expect(config.gateway.httpUrl).toBe('http://127.0.0.1:8888/');
    expect(config.warnings).toEqual(['KG_URL and JUPYTER_GATEWAY_URL differ; KG_URL is used.']);
  });

  it('reads an IBM service credentials file', () => {
    const { SLACK_BOT_TOKEN, SLACK_APP_TOKEN } = LEAST;
    const path = file('credentials.json', JSON.stringify(credentials));
    const config = readConfig({ SLACK_BOT_TOKEN, SLACK_APP_TOKEN, KG_SERVICE_CREDENTIALS: path });
    expect(config.gateway).toMatchObject({
      httpUrl: 'https://host:8443/gateway/default/jkg/',
      wsUrl: 'wss://host:8443/gateway/default/jkgws/',
      user: 'clsadmin',
      pass: '5auuF5SU3e0G',
    });
    expect(config.warnings).toEqual([]);
    expect(config.secrets).toContain('5auuF5SU3e0G');
  });

  it('lets KG_ settings win over the file, says so, and does not mix roots of two gateways', () => {
    const path = file('credentials.json', JSON.stringify(credentials));
    const config = readConfig({
      ...LEAST,
      KG_HTTP_USER: 'me',
      KG_HTTP_PASS: 'mine-alone',
      KG_SERVICE_CREDENTIALS: path,
    });
    expect(config.gateway).toMatchObject({ wsUrl: 'ws://127.0.0.1:8888/', user: 'me', pass: 'mine-alone' });
    expect(config.warnings).toHaveLength(3);
    expect(config.warnings.join()).not.toMatch(/mine-alone|5auuF5SU3e0G/);
  });

  it.each([
    ['absent.json', undefined, /cannot be read \(ENOENT\)/],
    ['text.json', 'user: me', /is not JSON/],
    ['empty.json', '{}', /cluster is missing/],
    [
      'url.json',
      '{"cluster":{"service_endpoints":{"notebook_gateway":"host"}}}',
      /cluster.service_endpoints.notebook_gateway must be a URL/,
    ],
  ])('tells what is wrong with the file %s', (name, content, complaint) => {
    const path = content === undefined ? join(folder, name) : file(name, content);
    const { SLACK_BOT_TOKEN, SLACK_APP_TOKEN } = LEAST;
    expect(problemsOf({ SLACK_BOT_TOKEN, SLACK_APP_TOKEN, KG_SERVICE_CREDENTIALS: path })).toEqual([
      expect.stringMatching(complaint),
    ]);
  });

  it.each([
    ['KG_SERVICE_CREDENTIALS', JSON.stringify(credentials)],
    ['KG_CLIENT_KEY', pem('client.key')],
    // In one line, as it has to be in some files of settings.
    ['KG_CLIENT_KEY', pem('client.key').replaceAll('\n', '\\n')],
    ['JUPYTER_GATEWAY_CLIENT_KEY', pem('client.key').replaceAll(/-.*-|\n/g, '')],
  ])('does not repeat what is in the file if %s has that in place of the path', (name, content) => {
    const problems = problemsOf({ ...LEAST, [name]: content });
    expect(problems[0]).toBe(`${name} must be the path of a file, not what is in that file.`);
    expect(problems.join()).not.toContain(content.slice(30, 60));
  });

  it('warns when nothing is checked or half is encrypted', () => {
    const config = readConfig({
      ...LEAST,
      KG_URL: 'https://h/',
      KG_WS_URL: 'ws://h/',
      VALIDATE_KG_CERT: 'false',
    });
    expect(config.warnings).toEqual([
      expect.stringMatching(/NOT checked/),
      expect.stringMatching(/not encrypted/),
    ]);
  });
});

describe('certificates', () => {
  it('reads the files', () => {
    const config = readConfig({
      ...LEAST,
      KG_CLIENT_CA: file('ca.pem', pem('client.pem')),
      KG_CLIENT_CERT: file('client.pem', pem('client.pem')),
      KG_CLIENT_KEY: file('client.key', pem('client.key')),
    });
    expect(config.gateway.tls).toEqual({
      verify: true,
      ca: pem('client.pem'),
      cert: pem('client.pem'),
      key: pem('client.key'),
    });
    expect(config.secrets).toContain(pem('client.key'));
  });

  it('takes certificate and key from one file', () => {
    const both = `${pem('client.pem')}${pem('client.key')}`;
    expect(readConfig({ ...LEAST, KG_CLIENT_CERT: file('both.pem', both) }).gateway.tls.key).toBe(both);
  });

  it('reports a certificate without a key, a key that does not fit, and a file that is not PEM', () => {
    const cert = file('client.pem', pem('client.pem'));
    const key = file('client.key', pem('client.key'));
    const other = file('other.key', pem('other.key'));
    const nonsense = file('nonsense.pem', 'nonsense');
    expect(problemsOf({ ...LEAST, KG_CLIENT_CERT: cert })).toEqual([
      expect.stringMatching(/^KG_CLIENT_KEY is missing/),
    ]);
    expect(problemsOf({ ...LEAST, KG_CLIENT_KEY: key })).toEqual([
      expect.stringMatching(/^KG_CLIENT_CERT is missing/),
    ]);
    expect(problemsOf({ ...LEAST, KG_CLIENT_CERT: cert, KG_CLIENT_KEY: other })).toEqual([
      expect.stringMatching(/does not fit/),
    ]);
    expect(problemsOf({ ...LEAST, KG_CLIENT_CERT: nonsense, KG_CLIENT_KEY: key })).toEqual([
      expect.stringMatching(/^KG_CLIENT_CERT: .* no certificate/),
    ]);
    const noKey = 'KG_CLIENT_KEY is no key in PEM form.';
    expect(problemsOf({ ...LEAST, KG_CLIENT_CERT: nonsense, KG_CLIENT_KEY: nonsense })).toEqual([
      expect.stringMatching(/^KG_CLIENT_CERT: .* no certificate/),
      noKey,
    ]);
    expect(problemsOf({ ...LEAST, KG_CLIENT_KEY: nonsense })).toEqual([
      noKey,
      expect.stringMatching(/^KG_CLIENT_CERT is missing/),
    ]);
    expect(problemsOf({ ...LEAST, JUPYTER_GATEWAY_CA_CERTS: nonsense })).toEqual([
      expect.stringMatching(/^JUPYTER_GATEWAY_CA_CERTS: .* no certificate/),
    ]);
  });
});

describe('an encrypted key', () => {
  const certificate = () => ({
    KG_CLIENT_CERT: file('client.pem', pem('client.pem')),
    KG_CLIENT_KEY: file('encrypted.key', encrypted(pem('client.key'), 'open sesame')),
  });

  it('is opened by its passphrase, which no log shows', () => {
    const config = readConfig({ ...LEAST, ...certificate(), KG_CLIENT_KEY_PASSPHRASE: 'open sesame' });
    expect(config.gateway.tls.passphrase).toBe('open sesame');
    expect(config.secrets).toContain('open sesame');
  });

  it.for([
    [{}, 'KG_CLIENT_KEY_PASSPHRASE is missing: KG_CLIENT_KEY is encrypted.'],
    [{ KG_CLIENT_KEY_PASSPHRASE: 'wrong' }, 'KG_CLIENT_KEY_PASSPHRASE does not open KG_CLIENT_KEY.'],
  ] as const)('is told with %o', ([env, words]) => {
    expect(problemsOf({ ...LEAST, ...certificate(), ...env })).toEqual([words]);
  });

  it('a passphrase without a key is reported', () => {
    expect(problemsOf({ ...LEAST, KG_CLIENT_KEY_PASSPHRASE: 'p' })).toEqual([
      'KG_CLIENT_KEY is missing: KG_CLIENT_KEY_PASSPHRASE is for it.',
    ]);
  });

  it('a key that needs none takes one, and no key is told as that', () => {
    const plain = { ...certificate(), KG_CLIENT_KEY: file('client.key', pem('client.key')) };
    expect(problemsOf({ ...LEAST, ...plain, KG_CLIENT_KEY_PASSPHRASE: 'p' })).toEqual([]);
    const nonsense = { ...certificate(), KG_CLIENT_KEY: file('nonsense.key', 'nonsense') };
    expect(problemsOf({ ...LEAST, ...nonsense })).toEqual(['KG_CLIENT_KEY is no key in PEM form.']);
  });
});

it('warns that MAX_OUTPUT cannot be reached within a smaller SPOOL_LIMIT', () => {
  expect(readConfig({ ...LEAST, MAX_OUTPUT: '1GB', SPOOL_LIMIT: '1GB' }).warnings).toEqual([]);
  expect(readConfig({ ...LEAST, SPOOL_LIMIT: '50MB' }).warnings).toEqual([
    'SPOOL_LIMIT, which is for all runs together, is smaller than MAX_OUTPUT: no run can keep that much output.',
  ]);
});

describe('names that look like ours', () => {
  it('warns of a misspelt one and names the nearest', () => {
    const { warnings } = readConfig({
      ...LEAST,
      KG_HTTP_PASSWORD: 'p',
      SLACK_TOKEN: 't',
      RUN_TIMEOUTS: '1h',
    });
    expect(warnings).toEqual([
      'KG_HTTP_PASSWORD is not a setting; did you mean KG_HTTP_PASS?',
      'SLACK_TOKEN is not a setting; did you mean SLACK_BOT_TOKEN or SLACK_APP_TOKEN?',
      'RUN_TIMEOUTS is not a setting; did you mean RUN_TIMEOUT?',
    ]);
  });

  it('says nothing of a machine’s usual variables', () => {
    const usual = [
      'LANGUAGE',
      'LANG',
      'HOME',
      'HOST',
      'PATH',
      'USER',
      'SHELL',
      'TERM',
      'NODE_ENV',
      'LOGNAME',
    ];
    const env = { ...LEAST, ...Object.fromEntries(usual.map((name) => [name, 'x'])) };
    expect(readConfig(env).warnings).toEqual([]);
  });
});

describe('secrets', () => {
  it('lists each in the forms a log could carry', () => {
    const { secrets } = readConfig({
      ...LEAST,
      KG_HTTP_USER: 'user',
      KG_HTTP_PASS: 'password',
      KG_AUTH_TOKEN: 'gateway-token',
      KG_HEADERS: '{"X-Key":"Bearer header-key","X-Proto":"https"}',
      STORE_URL: 'redis://:p%40ssword@localhost',
    });
    expect(new Set(secrets)).toEqual(
      new Set([
        'xoxb-bot-token',
        'xapp-app-token',
        'password',
        Buffer.from('user:password').toString('base64'),
        'gateway-token',
        'Bearer header-key',
        'header-key',
        'p@ssword',
        'p%40ssword',
      ]),
    );
  });
});

describe('the .env file', () => {
  it('adds to the environment, overrides nothing and may be absent', () => {
    process.env['SPARKTHREAD_TEST_SET'] = 'environment';
    try {
      loadEnvFile(file('.env', '\ufeffSPARKTHREAD_TEST_ADDED="a b"\nSPARKTHREAD_TEST_SET=file\n'));
      expect(process.env['SPARKTHREAD_TEST_SET']).toBe('environment');
      expect(process.env['SPARKTHREAD_TEST_ADDED']).toBe('a b');
    } finally {
      delete process.env['SPARKTHREAD_TEST_SET'];
      delete process.env['SPARKTHREAD_TEST_ADDED'];
    }
    expect(() => loadEnvFile(join(folder, 'absent.env'))).not.toThrow();
    expect(() => loadEnvFile(folder)).toThrow(ConfigError);
    // As PowerShell's `>` writes it.
    const utf16 = file('utf16.env', '');
    writeFileSync(utf16, '\ufeffQUEUE_LIMIT=5\r\n', 'utf16le');
    expect(() => loadEnvFile(utf16)).toThrow(`${utf16} is not in UTF-8: save it as that.`);
  });
});

describe('the list of settings', () => {
  it('documents each, with an example and a default that can be read', () => {
    expect(new Set(settings.map(({ name }) => name)).size).toBe(settings.length);
    for (const { name, description, example, default: byDefault } of settings) {
      expect(description, name).toMatch(/\.$/);
      for (const value of byDefault === undefined ? [example] : [example, byDefault])
        expect(
          problemsOf({ ...LEAST, [name]: value }).filter((problem) => problem.startsWith(`${name} must`)),
          name,
        ).toEqual([]);
    }
  });
});

it('names the misspelt variable that may be meant for a missing setting', () => {
  const { SLACK_APP_TOKEN, ...rest } = LEAST;
  expect(() => readConfig({ ...rest, SLACK_APP_TOKN: SLACK_APP_TOKEN })).toThrow(
    'SLACK_APP_TOKN is not a setting; did you mean SLACK_APP_TOKEN?',
  );
});
