import { expect, test } from 'vitest';
import { GatewayError } from '../../../../src/gateway/errors.ts';
import { Interrupts, Stopping } from '../../../../src/gateway/execution/interrupt.ts';
import { silentLog } from '../../../../src/log.ts';
import { run, startConnectedRig, withoutLooks } from '../../../support/gateway-client.ts';

const always = { isWanted: () => true, onSend: () => undefined };
const ignore = () => true;

test('Interrupts: one that is no longer wanted when its turn comes is not sent', async () => {
  let posts = 0;
  const interrupts = new Interrupts(() => Promise.resolve((posts += 1) > 0), 10, silentLog);
  await interrupts.send('k', always, ignore);
  await interrupts.send('k', { ...always, isWanted: () => false }, ignore);
  expect(posts).toBe(1);
});

test('Interrupts: a call is under way until it is answered, for its own kernel only', async () => {
  const answer = Promise.withResolvers<boolean>();
  const interrupts = new Interrupts(() => answer.promise, 10, silentLog);
  const sent = interrupts.send('k', always, ignore);
  await Promise.resolve();
  expect(interrupts.underWay('k')).toBeDefined();
  expect(interrupts.underWay('other')).toBeUndefined();
  answer.resolve(true);
  await sent;
  expect(interrupts.underWay('k')).toBeUndefined();
});

test('Interrupts: if the route is missing or refuses us, a message is sent instead', async () => {
  const messages: string[] = [];
  const missing = new Interrupts(() => Promise.resolve(false), 10, silentLog);
  await missing.send('k', always, () => messages.push('missing') > 0);
  const refused = new GatewayError('refused', 'no');
  const refusing = new Interrupts(() => Promise.reject(refused), 10, silentLog);
  const sent = refusing.send('k', always, () => messages.push('refused') > 0);
  await expect(sent).rejects.toBe(refused);
  expect(messages).toEqual(['missing', 'refused']);
});

test('Interrupts: if the route is missing and no websocket is open, nothing was sent', async () => {
  const missing = new Interrupts(() => Promise.resolve(false), 10, silentLog);
  await expect(missing.send('k', always, () => false)).rejects.toMatchObject({ code: 'unreachable' });
});

function createStopping(interrupt: () => Promise<unknown>) {
  const said: string[] = [];
  const stop = new AbortController();
  const wanted: (() => boolean)[] = [];
  const stopping = new Stopping(stop.signal, 60_000, {
    isRunning: () => true,
    quitDebugger: () => false,
    interrupt({ isWanted, onSend }) {
      wanted.push(isWanted);
      if (isWanted()) onSend();
      return interrupt().then(() => true);
    },
    onSent: () => void said.push('sent'),
    onFailed: () => void said.push('failed'),
    onIgnored: () => void said.push('ignored'),
  });
  stop.abort();
  return { stopping, said, wanted };
}

test('Stopping: a failed call is repeated later, a successful one is not', async () => {
  let isAway = true;
  const { stopping, said } = createStopping(() =>
    isAway ? Promise.reject(new GatewayError('writesPaused', 'not now')) : Promise.resolve(),
  );
  stopping.pursue();
  stopping.pursue();
  await Promise.resolve();
  await Promise.resolve();
  expect(said).toEqual(['sent', 'failed']);
  isAway = false;
  stopping.pursue();
  await Promise.resolve();
  expect(said.slice(2)).toContain('sent');
  stopping.end();
});

test('Stopping: code that has output after the signal gets no second one', async () => {
  const first = Promise.withResolvers<void>();
  const { stopping, wanted } = createStopping(() => first.promise);
  stopping.pursue();
  stopping.onOutput();
  first.resolve();
  await Promise.resolve();
  await Promise.resolve();
  expect(wanted.map((isWanted) => isWanted())).toEqual([true, false]);
  stopping.end();
});

test('Stopping: each repetition is one signal, and cancels what the request before still had to send', async () => {
  const first = Promise.withResolvers<void>();
  const { stopping, said, wanted } = createStopping(() => first.promise);
  stopping.pursue();
  stopping.again();
  first.resolve();
  for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
  // The repetition of the first comes to its turn, and is not wanted.
  expect(wanted.map((isWanted) => isWanted())).toEqual([false, true, false]);
  expect(said).toEqual(['sent', 'sent']);
  stopping.end();
});

test('Stopping: a failed repetition is sent again as one signal', async () => {
  let isAway = false;
  const { stopping, said } = createStopping(() =>
    isAway ? Promise.reject(new GatewayError('writesPaused', 'not now')) : Promise.resolve(),
  );
  stopping.pursue();
  for (let turns = 0; turns < 5; turns += 1) await Promise.resolve();
  said.length = 0;
  isAway = true;
  stopping.again();
  for (let turns = 0; turns < 5; turns += 1) await Promise.resolve();
  expect(said).toEqual(['sent', 'failed']);
  isAway = false;
  stopping.pursue();
  for (let turns = 0; turns < 5; turns += 1) await Promise.resolve();
  expect(said).toEqual(['sent', 'failed', 'sent']);
  stopping.end();
});

test('Stopping: again does nothing without a stop', () => {
  const said: string[] = [];
  const say = (word: string) => () => void said.push(word);
  const stopping = new Stopping(undefined, 0, {
    isRunning: () => true,
    quitDebugger: () => false,
    interrupt: () => Promise.resolve(say('interrupt')()).then(() => true),
    onSent: say('sent'),
    onFailed: say('failed'),
    onIgnored: say('ignored'),
  });
  stopping.again();
  expect(said).toEqual([]);
});

const keyboardInterrupt = { status: 'error', ename: 'KeyboardInterrupt', evalue: '', traceback: [] };

test('an interrupt on its way does not hit the next execution', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection, server } = rig;
  const asked = Promise.withResolvers<void>();
  const passes = Promise.withResolvers<undefined>();
  server.answer = ({ path }) => {
    if (!path.endsWith('/interrupt')) return undefined;
    asked.resolve();
    return passes.promise;
  };
  // What runs when the signal arrives is what it ends.
  const running: string[] = [];
  let interrupted: string | undefined;
  kernel.onInterrupt = () => {
    interrupted = running.at(-1);
  };
  kernel.onExecute = (request) => {
    running.push(String(request.content['code']));
    kernel.begin(request);
    if (request.content['code'] === 'second') kernel.run(request);
  };
  const stop = new AbortController();
  const first = run(connection, { code: 'first', signal: stop.signal });
  await first.until('started');
  stop.abort();
  const second = run(connection, { code: 'second' });
  await asked.promise;
  const [request] = kernel.received.filter(({ header }) => header.msg_type === 'execute_request');
  if (request === undefined) throw new Error('nothing was sent');
  kernel.end(request);
  expect(await first.end).toMatchObject({ kind: 'ok' });
  await rig.gateway.readInfo();
  passes.resolve(undefined);
  expect(await second.end).toMatchObject({ kind: 'ok' });
  expect(interrupted).toBe('first');
  expect(running).toEqual(['first', 'second']);
});

test('one stop is one signal if the code cleans up after it', async () => {
  await using rig = await startConnectedRig({ timings: { interruptGapMs: 20, stopIgnoredMs: 200 } });
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.onInterrupt = () => kernel.stream(request, 'cleaning up\n');
  };
  const stop = new AbortController();
  const running = run(connection, { signal: stop.signal });
  await running.until('counted');
  stop.abort();
  // Long after a second signal would have gone.
  await running.until('stopIgnored');
  expect(kernel.interrupts).toBe(1);
  const [request] = kernel.received.filter(({ header }) => header.msg_type === 'execute_request');
  if (request === undefined) throw new Error('nothing was sent');
  kernel.end(request, keyboardInterrupt);
  expect(await running.end).toMatchObject({ kind: 'interrupted' });
});

const awaiting = 'await asyncio.sleep(60)';
test.each([
  ['ipython', 1],
  ['Apache Toree Scala', 0],
])('behind the signal a message on shell wakes the loop of an %s kernel', async (implementation, wakes) => {
  await using rig = await startConnectedRig({
    timings: withoutLooks,
    prepare: (kernel) => (kernel.implementation = implementation),
  });
  const { kernel, connection } = rig;
  const infos = () => kernel.received.filter(({ header }) => header.msg_type === 'kernel_info_request');
  const before = infos().length;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.onInterrupt = () => {
      // The latter takes the signal by itself.
      void kernel
        .untilReceived('kernel_info_request', before + wakes)
        .then(() => kernel.end(request, keyboardInterrupt));
    };
  };
  const stop = new AbortController();
  const running = run(connection, { code: awaiting, signal: stop.signal });
  await running.until('counted');
  stop.abort();
  expect(await running.end).toMatchObject({ kind: 'interrupted' });
  const asked = infos().slice(before);
  expect(asked.map(({ channel }) => channel)).toEqual(Array(wakes).fill('shell'));
});

/** Code that is stopped. `end`: has the kernel reply as if all went well. */
async function stopOne(stopIgnoredMs: number) {
  const rig = await startConnectedRig({ timings: { interruptGapMs: 20, stopIgnoredMs } });
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => kernel.begin(request);
  const stop = new AbortController();
  const running = run(connection, { code: '!sleep 60', signal: stop.signal });
  await running.until('counted');
  const end = () =>
    kernel.end(kernel.received.findLast(({ header }) => header.msg_type === 'execute_request'));
  return { ...rig, running, end, stop: () => stop.abort() };
}

test('code that a signal ended counts as stopped, whatever its reply', async () => {
  await using rig = await stopOne(60_000);
  rig.kernel.onInterrupt = () => void rig.kernel.untilReceived('kernel_info_request', 2).then(rig.end);
  rig.stop();
  expect((await rig.running.end).kind).toBe('interrupted');
});

test('code that ran on after a signal does not count as stopped', async () => {
  await using rig = await stopOne(100);
  rig.stop();
  await rig.running.until('stopIgnored');
  rig.end();
  expect((await rig.running.end).kind).toBe('ok');
});

test('a stop while nothing may be written is reported as a failed call, and sent later', async () => {
  let mayWrite = true;
  await using rig = await startConnectedRig({ client: { mayWrite: () => mayWrite } });
  const { kernel, connection } = rig;
  const interrupted = Promise.withResolvers<void>();
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.onInterrupt = () => {
      interrupted.resolve();
      kernel.end(request, keyboardInterrupt);
    };
  };
  const stop = new AbortController();
  const running = run(connection, { signal: stop.signal });
  await running.until('counted');
  mayWrite = false;
  stop.abort();
  expect(await running.until('outage')).toMatchObject({ code: 'writesPaused', isCutOff: false });
  expect(kernel.interrupts).toBe(0);
  mayWrite = true;
  await interrupted.promise;
  expect(await running.end).toMatchObject({ kind: 'interrupted' });
});

const quit = { status: 'error', ename: 'BdbQuit', evalue: '', traceback: [] };
test.each([
  ['(Pdb) ', 'q', quit],
  ['((Pdb)) ', 'q', quit],
  ['ipdb> ', 'q', quit],
  ['Browse[2]> ', 'Q', quit],
  // Of `%debug`, whose cell has nothing left to do then.
  ['ipdb> ', 'q', undefined],
])(
  'a debugger that asks %s is left by %s, not by an interrupt, and was stopped',
  async (prompt, line, error) => {
    // A kernel on a machine that is at work elsewhere has not ignored the stop.
    await using rig = await startConnectedRig({ timings: { stopIgnoredMs: 30_000 } });
    const { kernel, connection } = rig;
    kernel.onExecute = (request) => {
      kernel.begin(request);
      kernel.send('input_request', { prompt, password: false }, { parent: request, channel: 'stdin' });
      void kernel.untilReceived('input_reply').then(() => {
        if (error !== undefined) kernel.send('error', error, { parent: request });
        kernel.end(request, error);
      });
    };
    const stop = new AbortController();
    const debugged = run(connection, { code: 'breakpoint()', allowStdin: true, signal: stop.signal });
    await debugged.until('inputRequest');
    stop.abort();
    expect((await debugged.end).kind).toBe('interrupted');
    const lines = kernel.received.filter(({ header }) => header.msg_type === 'input_reply');
    expect(lines.map(({ content }) => content['value'])).toEqual([line]);
    expect(kernel.interrupts).toBe(0);
  },
);

test('a console that answers an interrupt with its next prompt is quit; a single such prompt is only interrupted', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    const ask = () =>
      kernel.send(
        'input_request',
        { prompt: 'In : ', password: false },
        { parent: request, channel: 'stdin' },
      );
    ask();
    kernel.onInterrupt = () => {
      kernel.stream(request, 'KeyboardInterrupt\n', 'stderr');
      ask();
    };
    void kernel.untilReceived('input_reply').then(() => kernel.end(request));
  };
  const stop = new AbortController();
  const console = run(connection, { code: 'code.interact()', allowStdin: true, signal: stop.signal });
  await console.until('inputRequest');
  stop.abort();
  expect((await console.end).kind).toBe('interrupted');
  const replies = kernel.received.filter(({ header }) => header.msg_type === 'input_reply');
  expect(replies.map(({ content }) => content['value'])).toEqual(['raise(SystemExit)']);
  expect(kernel.interrupts).toBe(1);
});
