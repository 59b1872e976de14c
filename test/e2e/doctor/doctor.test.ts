import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Playground, startPlayground } from '../../../playground/playground.ts';
import { httpRemedy, websocketRemedy } from '../../../src/doctor/check-gateway.ts';
import { readFailure } from '../../../src/gateway/http/http-errors.ts';
import { BOT_SCOPES } from '../../../src/slack/manifest.ts';
import {
  type ScriptedGateway,
  type ScriptMessage,
  startScriptedGateway,
} from '../../support/scripted-gateway.ts';
import { runDoctor } from './rig.ts';

let playground: Playground;
let gateway: ScriptedGateway;
beforeEach(async () => {
  playground = await startPlayground();
  gateway = await startScriptedGateway();
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => kernel.run(request, isJob(request) ? '10' : '2');
  };
});
afterEach(async () => {
  await gateway.close();
  await playground.stop();
});

function environment(more: Record<string, string> = {}): Record<string, string> {
  return {
    ...playground.environment,
    KG_URL: gateway.httpUrl,
    STORE_URL: 'memory:',
    KERNEL_LAUNCH_TIMEOUT: '5s',
    PORT: '0',
    ...more,
  };
}

/** The code of the doctor's Spark job. */
function isJob({ content }: ScriptMessage): boolean {
  return String(content['code']).includes('count()');
}

/** No kernel of the doctor is left on the gateway. */
function expectNoKernels(): void {
  expect([...gateway.kernels.values()].filter(({ isDeleted }) => !isDeleted)).toEqual([]);
}

test('when everything is well the exit code is 0, each language was tried and its kernel removed', async () => {
  const { code, lines, failures } = await runDoctor(environment());
  expect(failures).toEqual([]);
  expect(code).toBe(0);
  const told = lines.filter((line) => line.startsWith('ok')).map((line) => line.slice(8, 28).trim());
  expect(told).toEqual([
    'settings',
    'clock',
    'Slack bot token',
    'Slack scopes',
    'Socket Mode',
    'gateway, HTTP',
    'kernelspecs',
    'gateway, websocket',
    'python3',
    'scala-spark',
    'store',
    'output on disk',
    'port',
  ]);
  expect(lines.some((line) => line.includes('…  python3: starting a kernel'))).toBe(true);
  // Its name promises Spark.
  const proved = lines.filter((line) => line.startsWith('ok') && line.includes('Spark works (10)'));
  expect(proved).toEqual([expect.stringMatching(/^ok +scala-spark +1\+1 is 2; /)]);
  expect(gateway.kernels.size).toBe(2);
  expectNoKernels();
});

test('a missing RUN_TIMEOUT is recommended, one that is set is shown', async () => {
  const notes = async (more: Record<string, string>) =>
    (await runDoctor(environment(more))).lines.filter((line) => line.includes('RUN_TIMEOUT'));
  expect(await notes({})).toEqual([expect.stringMatching(/^note .*Recommended: RUN_TIMEOUT=4h/)]);
  expect(await notes({ RUN_TIMEOUT: '2h' })).toEqual(['note    RUN_TIMEOUT stops a run after 2 h.']);
});

test('wrong settings are listed all at once, with exit code 78', async () => {
  const { code, failures } = await runDoctor({ SLACK_BOT_TOKEN: 'nonsense', QUEUE_LIMIT: 'many' });
  expect(code).toBe(78);
  expect(failures.map((line) => line.split(' ')[1])).toEqual([
    'SLACK_BOT_TOKEN',
    'QUEUE_LIMIT',
    'SLACK_APP_TOKEN',
    'KG_URL',
  ]);
});

test('an unreadable .env is shown as a wrong setting', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sparkthread-doctor-'));
  await mkdir(join(folder, '.env'));
  const doctor = fileURLToPath(new URL('../../../src/doctor/main.ts', import.meta.url));
  const child = spawn(process.execPath, [doctor], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  expect(said).toContain('.env cannot be read');
  expect(code).toBe(78);
  await rm(folder, { recursive: true });
});

test('a reader that closes the pipe (`doctor | head`) ends the doctor without a stack trace', async () => {
  const program = fileURLToPath(new URL('../../../src/doctor/main.ts', import.meta.url));
  const env = { PATH: process.env['PATH'], ...environment() };
  const doctor = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  doctor.stdout.once('data', () => doctor.stdout.destroy());
  const [said, [code]] = await Promise.all([text(doctor.stderr), once(doctor, 'exit')]);
  expect(said).toBe('');
  expect(code).toBe(130);
  expectNoKernels();
});

describe('Slack', () => {
  test('a wrong bot token is named', async () => {
    const { code, failures } = await runDoctor(environment({ SLACK_BOT_TOKEN: 'xoxb-wrong' }));
    expect(code).toBe(1);
    expect(failures).toEqual([
      expect.stringMatching(/^Slack bot token Slack says invalid_auth\. → Copy the Bot User OAuth Token/),
    ]);
  });

  test('a wrong app token is named', async () => {
    const { code, failures } = await runDoctor(environment({ SLACK_APP_TOKEN: 'xapp-wrong' }));
    expect(code).toBe(1);
    expect(failures).toEqual([
      expect.stringMatching(/^Socket Mode Slack says invalid_auth\. → Turn Socket Mode on.*SLACK_APP_TOKEN/),
    ]);
  });

  test('missing scopes are named with what they are needed for', async () => {
    await playground.stop();
    const scopes = Object.keys(BOT_SCOPES).filter(
      (scope) => scope !== 'files:write' && scope !== 'users:read',
    );
    playground = await startPlayground({ scopes });
    const { code, failures } = await runDoctor(environment());
    expect(code).toBe(1);
    expect(failures).toEqual([
      expect.stringMatching(
        /^Slack scopes Missing: files:write \(.+\), users:read \(.+\)\. → .*reinstall the app/,
      ),
    ]);
  });

  test('an unreachable Slack is named', async () => {
    const { code, failures } = await runDoctor(environment({ SLACK_API_URL: 'http://127.0.0.1:9/api/' }));
    expect(code).toBe(1);
    expect(failures).toEqual([
      expect.stringMatching(/^Slack bot token Slack does not answer/),
      expect.stringMatching(/^Socket Mode Slack does not answer/),
    ]);
  });

  test('for signed HTTP the check of Slack’s connection is skipped, and the Request URL is named', async () => {
    const { code, lines } = await runDoctor(
      environment({ SLACK_APP_TOKEN: '', SLACK_SIGNING_SECRET: 'secret-of-the-app' }),
    );
    expect(code).toBe(0);
    expect(lines.find((line) => line.includes('Slack HTTP'))).toMatch(/^skipped .*Request URL/);
  });
});

describe('the gateway by HTTP', () => {
  test('an unreachable gateway is named', async () => {
    const { code, failures, lines } = await runDoctor(environment({ KG_URL: 'http://127.0.0.1:9/' }));
    expect(code).toBe(1);
    expect(failures).toEqual([
      expect.stringMatching(/^gateway, HTTP .*gives no answer \(ECONNREFUSED\).*KG_URL/),
    ]);
    expect(lines.filter((line) => line.startsWith('skipped'))).toHaveLength(2);
  });

  test('a wrong password is named', async () => {
    gateway.answer = () => ({ status: 401, body: { reason: 'Unauthorized', message: '' } });
    const { code, failures, lines } = await runDoctor(
      environment({ KG_HTTP_USER: 'clsadmin', KG_HTTP_PASS: 'not-the-password' }),
    );
    expect(code).toBe(1);
    expect(failures).toEqual([
      expect.stringMatching(/^gateway, HTTP The gateway does not accept .* → Correct KG_HTTP_USER/),
    ]);
    expect(lines.join('\n')).not.toContain('not-the-password');
  });

  test('a server that is no gateway is named', async () => {
    gateway.answer = () => ({ status: 200, body: '<html><h1>It works</h1></html>' });
    expect((await runDoctor(environment())).failures).toEqual([
      expect.stringMatching(/^gateway, HTTP .*HTML page\. → .*no Jupyter gateway: correct the path/),
    ]);
    gateway.answer = () => ({ status: 404, body: '<html>Not found</html>' });
    expect((await runDoctor(environment())).failures).toEqual([
      expect.stringMatching(/^gateway, HTTP .*404.* → There is no gateway at this path/),
    ]);
  });

  test.each([
    [403, 'Forbidden', /Correct KG_HTTP_USER and KG_HTTP_PASS/],
    [405, 'Method Not Allowed', /There is no gateway at this path/],
    [500, 'broken kernel.json', /The gateway’s log says what failed/],
  ])('kernelspecs answered with %i', async (status, message, said) => {
    gateway.answer = ({ path }) =>
      path.endsWith('/kernelspecs') ? { status, body: { reason: null, message } } : undefined;
    const { failures } = await runDoctor(environment());
    expect(failures).toEqual([expect.stringMatching(said)]);
    expect(failures[0]).toContain(message);
  });

  test.each([
    [429, /→ Wait a little; if it stays so, raise the limit/],
    [
      308,
      /redirected us to http:\/\/elsewhere\/api\/kernelspecs .*→ .*put the part before \/api\/kernelspecs into KG_URL/,
    ],
  ])('a gateway that answers nothing but %i', async (status, said) => {
    gateway.answer = () => ({ status, body: '', headers: { location: 'http://elsewhere/api/kernelspecs' } });
    expect((await runDoctor(environment())).failures).toEqual([expect.stringMatching(said)]);
  });

  test.each(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])('a certificate out of its time: %s', (code) => {
    const failure = readFailure(Object.assign(new Error('tls'), { code }), 'https://host');
    expect(httpRemedy(failure)).toMatch(/^Renew .* correct the clock/);
    expect(websocketRemedy(failure)).toBe(httpRemedy(failure));
  });

  test.each([405, 413, 403, 200])(
    'a proxy that does not let anybody start kernels is named (%i)',
    async (status) => {
      gateway.answer = ({ method, path }) =>
        method === 'POST' && path.endsWith('/kernels') ? { status, body: '<html>no</html>' } : undefined;
      const { failures } = await runDoctor(environment());
      expect(failures.length).toBeGreaterThan(0);
      for (const failure of failures) expect(failure).toMatch(/let it pass POST/);
    },
  );

  test('a proxy that lets no kernel be removed is named', async () => {
    gateway.answer = ({ method }) => (method === 'DELETE' ? { status: 405, body: '' } : undefined);
    const { code, failures } = await runDoctor(environment());
    expect(code).toBe(1);
    expect(failures).toHaveLength(2);
    expect(failures[0]).toMatch(/^python3 The kernel \S+ could not be removed .*→ .*pass DELETE.*by hand/);
  });

  test('kernelspecs that the settings name and the gateway does not have are listed', async () => {
    const { failures } = await runDoctor(
      environment({ LANGUAGES: 'python2=python2-spark21', DEFAULT_LANGUAGE: 'python3' }),
    );
    expect(failures).toEqual([
      expect.stringMatching(
        /^kernelspecs LANGUAGES names kernelspecs that are not there: python2=python2-spark21.* → Correct LANGUAGES/,
      ),
    ]);
    const isUnknown = expect.stringMatching(/^kernelspecs .*cobol.* → Correct DEFAULT_LANGUAGE/);
    const unknown = await runDoctor(environment({ DEFAULT_LANGUAGE: 'cobol' }));
    expect(unknown.failures).toEqual([isUnknown]);
    const both = await runDoctor(
      environment({ LANGUAGES: 'python2=python2-spark21', DEFAULT_LANGUAGE: 'cobol' }),
    );
    expect(both.failures).toEqual([expect.stringMatching(/Correct LANGUAGES/), isUnknown]);
    // The word is right once LANGUAGES is.
    const oneMistake = await runDoctor(
      environment({ LANGUAGES: 'python2=python2-spark21', DEFAULT_LANGUAGE: 'Python2' }),
    );
    expect(oneMistake.failures).toEqual([expect.stringMatching(/Correct LANGUAGES/)]);
  });
});

describe('the gateway by websocket', () => {
  test.each([
    { status: 401, said: /→ The websocket’s address wants other credentials/ },
    { status: 404, said: /→ KG_WS_URL does not lead to the gateway’s websockets/ },
    { status: 400, said: /→ KG_WS_URL does not lead to the gateway’s websockets/ },
    { status: 502, said: /→ HTTP works and the websocket does not/ },
  ])('an upgrade answered $status is one failure, separate from HTTP', async ({ status, said }) => {
    gateway.answer = ({ isUpgrade }) => (isUpgrade ? { status, body: '' } : undefined);
    const { code, failures, lines } = await runDoctor(environment());
    expect(code).toBe(1);
    expect(failures).toEqual([expect.stringMatching(/^gateway, websocket /)]);
    expect(failures[0]).toMatch(said);
    expect(lines.some((line) => /^ok +gateway, HTTP/.test(line))).toBe(true);
    expectNoKernels();
  });

  test('an address without a server in KG_WS_URL is named', async () => {
    const { failures } = await runDoctor(environment({ KG_WS_URL: 'ws://127.0.0.1:9/' }));
    expect(failures).toEqual([
      expect.stringMatching(/^gateway, websocket .*→ HTTP works and the websocket does not: check KG_WS_URL/),
    ]);
    expectNoKernels();
  });

  test('an upgrade without any answer may be a slow kernel or a proxy: both are named', async () => {
    gateway.answer = ({ isUpgrade }) => (isUpgrade ? 'hang' : undefined);
    const { failures } = await runDoctor(environment({ KERNEL_LAUNCH_TIMEOUT: '1s' }));
    expect(failures).toHaveLength(2);
    for (const failure of failures)
      expect(failure).toMatch(/no answer within 1 s\. → .*KERNEL_LAUNCH_TIMEOUT.*\/channels.*websockets/);
    expectNoKernels();
  });
});

describe('languages', () => {
  test('a kernel that does not start does not hide the other', async () => {
    gateway.answer = ({ method, path, body }) =>
      method === 'POST' && path === '/api/kernels' && JSON.stringify(body).includes('scala-spark')
        ? { status: 500, body: { reason: 'Internal Server Error', message: 'No JVM here' } }
        : undefined;
    const { code, failures, lines } = await runDoctor(environment());
    expect(code).toBe(1);
    expect(failures).toEqual([expect.stringMatching(/^scala-spark .*No JVM here/)]);
    expect(lines.some((line) => /^ok +python3/.test(line))).toBe(true);
    expectNoKernels();
  });

  test('a kernel that cannot add is named', async () => {
    gateway.onStart = (kernel) => {
      kernel.onExecute = (request) => kernel.run(request, kernel.name === 'python3' ? '2' : '11');
    };
    const { failures } = await runDoctor(environment());
    expect(failures).toEqual([expect.stringMatching(/^scala-spark 1\+1 gave no 2 but “11”/)]);
  });

  test('a kernel whose Spark does not work is named, with what to change', async () => {
    const error = { ename: 'java.lang.Error', evalue: 'JAVA_HOME is not set', traceback: [] };
    gateway.onStart = (kernel) => {
      kernel.onExecute = (request) => {
        if (!isJob(request)) return kernel.run(request, '2');
        kernel.begin(request);
        kernel.send('error', error, { parent: request });
        kernel.end(request, { status: 'error', ...error });
      };
    };
    const { code, failures, lines } = await runDoctor(environment());
    expect(code).toBe(1);
    expect(failures).toEqual([
      expect.stringMatching(
        /^scala-spark Spark does not work: .*java\.lang\.Error: JAVA_HOME is not set → .*correct JAVA_HOME/,
      ),
    ]);
    expect(lines.some((line) => /^ok +python3/.test(line))).toBe(true);
    expectNoKernels();
  });

  test('a doctor that is stopped in the middle removes its kernel and begins nothing more', async () => {
    const stopping = new AbortController();
    gateway.onStart = (kernel) => {
      kernel.onExecute = (request) => {
        kernel.begin(request);
        stopping.abort();
      };
      kernel.onInterrupt = () => {
        const request = kernel.received.find(({ header }) => header.msg_type === 'execute_request');
        if (request === undefined) return;
        kernel.end(request, { status: 'error', ename: 'KeyboardInterrupt', evalue: '', traceback: [] });
      };
    };
    const { lines, failures } = await runDoctor(environment(), stopping.signal);
    expect(failures).toEqual([]);
    expect(gateway.kernels.size).toBe(1);
    expectNoKernels();
    expect(lines.some((line) => line.includes('store'))).toBe(false);
  });

  test('a doctor that gets the signal twice, as from npm and the terminal after one Ctrl-C, still removes its kernel', async () => {
    gateway.onStart = (kernel) => {
      kernel.onExecute = (request) => {
        kernel.begin(request);
        doctor.kill('SIGINT');
      };
      kernel.onInterrupt = () => {
        doctor.kill('SIGINT');
        const request = kernel.received.find(({ header }) => header.msg_type === 'execute_request');
        if (request !== undefined) kernel.status('idle', request);
      };
    };
    const program = fileURLToPath(new URL('../../../src/doctor/main.ts', import.meta.url));
    const env = { PATH: process.env['PATH'], ...environment() };
    const doctor = spawn(process.execPath, [program], { env, stdio: 'ignore' });
    expect(await once(doctor, 'exit')).toEqual([130, null]);
    expect(gateway.kernels.size).toBe(1);
    expectNoKernels();
  });
});
