import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GatewayError } from '../../../src/gateway/errors.ts';
import {
  atMostEvery,
  gatewayCheck,
  type HealthCheck,
  readHealth,
  storeCheck,
  type Listening,
  type Role,
  startHealthServer,
} from '../../../src/server/health.ts';

const checks: Record<string, HealthCheck> = {};
let role: Role;
let server: Listening;
let taken: number;
beforeEach(async () => {
  role = 'leader';
  taken = 0;
  for (const part of Object.keys(checks)) delete checks[part];
  server = await startHealthServer({
    host: '127.0.0.1',
    port: 0,
    version: '1.2.3',
    role: () => role,
    checks,
    slackEvents(_request, response) {
      taken += 1;
      response.writeHead(200).end('{}');
    },
  });
});
afterEach(() => server.close());

async function ask(path: string, method = 'GET'): Promise<[number, unknown]> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
  return [response.status, await response.json()];
}

test('/healthz says that the process lives, and which edition it is', async () => {
  expect(await ask('/healthz')).toEqual([200, { alive: true, version: '1.2.3' }]);
  expect((await fetch(`http://127.0.0.1:${server.port}/healthz`, { method: 'HEAD' })).status).toBe(200);
});

test.each([
  ['leader', 200, 200, 200, 1],
  ['standby', 200, 503, 503, 0],
  ['inDoubt', 503, 503, 503, 0],
] as const)('%s: /readyz %d, /leader %d, events %d', async (is, ready, leader, events, count) => {
  role = is;
  expect(await ask('/readyz')).toEqual([ready, { ready: ready === 200, role: is, status: {} }]);
  expect(await ask('/leader')).toEqual([leader, { leader: leader === 200, role: is }]);
  expect((await ask('/slack/events', 'POST'))[0]).toBe(events);
  expect(taken).toBe(count);
});

test('what Slack, gateway and store do is told beside the readiness and does not decide it', async () => {
  checks['slack'] = async () => ({ ok: false, detail: 'It reconnects.' });
  checks['store'] = storeCheck(async () => undefined, 'redis');
  expect(await ask('/readyz')).toEqual([
    200,
    {
      ready: true,
      role: 'leader',
      status: {
        slack: { ok: false, detail: 'It reconnects.' },
        store: { ok: true, detail: 'The redis store answers.' },
      },
    },
  ]);
});

test('an error’s own words are not repeated', async () => {
  checks['store'] = storeCheck(() => Promise.reject(new Error('redis://:inner-word@host')), 'redis');
  checks['gateway'] = gatewayCheck({
    readKernelspecs: () => Promise.reject(new GatewayError('unauthorized', 'inner-word', { status: 401 })),
  });
  const [, body] = await ask('/readyz');
  expect(body).toMatchObject({
    status: {
      store: { ok: false, detail: 'It gives no answer.' },
      gateway: { ok: false, detail: 'It does not accept our user, password or token.' },
    },
  });
  expect(JSON.stringify(body)).not.toContain('inner-word');
});

test('a silent part holds nobody up', async () => {
  const silent: HealthCheck = () => new Promise(() => undefined);
  expect(await readHealth({ slack: silent }, 10)).toEqual({
    slack: { ok: false, detail: 'No answer within 0.01 s.' },
  });
});

test('a check is asked once for many, and again when its answer is old, also after the clock was set back', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  try {
    let asked = 0;
    const check = atMostEvery(5_000, async () => ({ ok: true, detail: String((asked += 1)) }));
    await Promise.all([check(), check()]);
    vi.advanceTimersByTime(4_999);
    expect((await check()).detail).toBe('1');
    vi.setSystemTime(Date.now() - 3_600_000);
    vi.advanceTimersByTime(1);
    expect((await check()).detail).toBe('2');
  } finally {
    vi.useRealTimers();
  }
});

test('elsewhere there is nothing', async () => {
  expect((await ask('/elsewhere'))[0]).toBe(404);
  expect((await ask('/readyz', 'POST'))[0]).toBe(404);
});
