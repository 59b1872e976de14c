import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { RenewingCredentials } from '../../../../src/gateway/auth/credentials.ts';
import { silentLog } from '../../../../src/log.ts';
import { run, startRig, withoutLooks } from '../../../support/gateway-client.ts';

const LIFE_MS = 4_000;

/** A gateway behind a front that takes the newest token alone, until its end on the test's own clock. */
async function startRenewing({ isEndTold }: { isEndTold: boolean }) {
  let now = Date.now();
  let issued = 0;
  let endsMs = 0;
  let reading = 0;
  let mostReading = 0;
  const source = {
    name: 'The source',
    async read() {
      reading += 1;
      mostReading = Math.max(mostReading, reading);
      await new Promise(setImmediate);
      reading -= 1;
      issued += 1;
      endsMs = now + LIFE_MS;
      return JSON.stringify({ token: `t${issued}`, ...(isEndTold ? { expiresAt: endsMs } : {}) });
    },
  };
  const credentials = new RenewingCredentials(
    { place: { kind: 'command', argv: ['x'] }, scheme: 'Bearer', header: 'Authorization' },
    { log: silentLog, onSecret: () => undefined, now: () => now, source },
  );
  const rig = await startRig({ client: { credentials }, timings: withoutLooks });
  let refusals = 0;
  rig.server.answer = (call) => {
    if (call.headers.authorization === `Bearer t${issued}` && now < endsMs) return undefined;
    refusals += 1;
    return { status: call.isUpgrade ? 403 : 401, body: { message: 'Unauthorized' } };
  };
  return {
    ...rig,
    /** The token in use ends. */
    expire: () => void (now += LIFE_MS),
    counts: () => ({ issued, refusals, mostReading }),
  };
}

test.for([
  ['told', true],
  ['not told', false],
] as const)(
  'runs over many expiries with cut wires, the end %s: none fails, one read at a time',
  async ([, isEndTold]) => {
    const expiries = 25;
    const front = await startRenewing({ isEndTold });
    await using rig = front;
    const kernel = rig.server.addKernel();
    const connection = await rig.gateway.connect(kernel.id, { sessionId: randomUUID() });
    for (let expiry = 0; expiry < expiries; expiry += 1) {
      kernel.onExecute = (request) => kernel.begin(request);
      const running = run(connection);
      await running.until('started');
      front.expire();
      kernel.drop();
      await Promise.all([
        running.until('reconnected'),
        rig.gateway.readKernelspecs(),
        rig.gateway.findKernel(kernel.id),
        rig.gateway.readInfo(),
      ]);
      const request = await kernel.untilReceived('execute_request', expiry + 1);
      kernel.end(request);
      expect((await running.end).kind).toBe('ok');
    }
    const { issued, refusals, mostReading } = front.counts();
    expect(mostReading).toBe(1);
    expect(issued).toBe(expiries + 1);
    // An end that is told is never run into.
    if (isEndTold) expect(refusals).toBe(0);
    else expect(refusals).toBeGreaterThanOrEqual(expiries);
  },
);

test('a refused start is repeated once, and a token that stays refused is reported after that', async () => {
  const front = await startRenewing({ isEndTold: false });
  await using rig = front;
  await rig.gateway.readInfo();
  front.expire();
  const started = await rig.gateway.startKernel({ kernelspec: 'python3', kernelId: randomUUID(), env: {} });
  expect(rig.server.kernels.has(started.id)).toBe(true);
  front.expire();
  rig.server.answer = () => ({ status: 401 });
  const before = rig.server.calls.length;
  await expect(rig.gateway.readInfo()).rejects.toMatchObject({ code: 'unauthorized' });
  expect(rig.server.calls.length - before).toBe(2);
});

test('a refused token whose source fails is reported as that, and a 403 of another reason as itself', async () => {
  const renew = () => Promise.reject(new Error('the vault is sealed'));
  const credentials = { headers: async () => ({ authorization: 'Bearer old' }), renew };
  await using rig = await startRig({ client: { credentials } });
  const kernel = rig.server.addKernel();
  rig.server.answer = () => ({ status: 401 });
  const failure = { code: 'noCredentials', message: 'The headers for the gateway could not be had' };
  await expect(rig.gateway.readInfo()).rejects.toMatchObject(failure);
  rig.server.answer = ({ isUpgrade }) => (isUpgrade ? { status: 401 } : undefined);
  await expect(rig.gateway.connect(kernel.id, { sessionId: 's' })).rejects.toMatchObject(failure);
  rig.server.answer = () => ({ status: 403, body: { message: 'Resource Limit' } });
  await expect(rig.gateway.readInfo()).rejects.toMatchObject({ code: 'refused', status: 403 });
});

test('a login page counts as a refusal: identity proxies send it for expired tokens', async () => {
  const front = await startRenewing({ isEndTold: false });
  await using rig = front;
  await rig.gateway.readInfo();
  front.expire();
  let asked = 0;
  rig.server.answer = () => {
    asked += 1;
    return asked === 1
      ? { status: 302, headers: { location: 'https://accounts.example.com/login' } }
      : undefined;
  };
  expect(await rig.gateway.readInfo()).toEqual({ version: '2.21.1' });
});
