import { expect, test } from 'vitest';
import { InputRequests } from '../../../../src/gateway/execution/input.ts';
import type { KernelOutput } from '../../../../src/gateway/outputs.ts';
import { kindsOf, run, startConnectedRig, watch } from '../../../support/gateway-client.ts';
import type { ScriptedKernel } from '../../../support/scripted-gateway.ts';

/** A question of the kernel, or the answer to it, was on its way when the connection broke: the kernel waits without a word. */

function createRequests(allowStdin = true) {
  const said: KernelOutput[] = [];
  const lines: string[] = [];
  const input = new InputRequests(
    allowStdin,
    (_request, value) => void lines.push(value),
    (what) => void said.push(what),
  );
  return { input, said, lines };
}

test('InputRequests: a request is answered once, and a refused one at once with an empty line', () => {
  const { input, said, lines } = createRequests();
  input.ask({ prompt: 'n? ', password: false });
  const [asked] = said;
  if (asked?.kind !== 'inputRequest') throw new Error('it asks nothing');
  asked.answer('Ann');
  asked.answer('again');
  expect(lines).toEqual(['Ann']);

  const refusing = createRequests(false);
  refusing.input.ask({ prompt: 'n? ', password: false });
  expect(refusing.said).toMatchObject([{ kind: 'inputRequest', refused: true }]);
});

test('InputRequests: a possible loss is reported once for each break, and never while a request is open', () => {
  const { input, said } = createRequests();
  input.settleDoubt(true);
  expect(said).toEqual([]);
  for (let breaks = 0; breaks < 2; breaks += 1) {
    input.doubt();
    input.settleDoubt(true);
    input.settleDoubt(true);
  }
  expect(said).toEqual([{ kind: 'inputMayBeLost' }, { kind: 'inputMayBeLost' }]);
  input.ask({ prompt: '', password: false });
  input.doubt();
  input.settleDoubt(true);
  expect(kindsOf(said)).toEqual(['inputMayBeLost', 'inputMayBeLost', 'inputRequest']);
});

test('InputRequests: without stdin nothing is reported', () => {
  const { input, said } = createRequests(false);
  input.doubt();
  input.settleDoubt(false);
  expect(said).toEqual([]);
});

function linesFor(kernel: ScriptedKernel): unknown[] {
  return kernel.received
    .filter((message) => message.header.msg_type === 'input_reply')
    .map((message) => message.content['value']);
}

/** A kernel that keeps a line it does not wait for, and takes it for the answer to its next question. */
function asIrKernel(kernel: ScriptedKernel): void {
  kernel.implementation = 'IRkernel';
}

/** A kernel whose question is lost, and goes on with the second line: the first was lost on the way. */
function askLost(kernel: ScriptedKernel, isHeard: boolean, linesNeeded = 1): void {
  kernel.onExecute = (request) => {
    kernel.begin(request);
    // While it waits for a line it takes nothing on shell.
    kernel.answersInfo = false;
    kernel.answersControl = kernel.implementation === 'ipython';
    kernel.onProof = () => undefined;
    kernel.onInterrupt = () => {
      kernel.end(request, { status: 'error', ename: 'KeyboardInterrupt', evalue: '', traceback: [] });
    };
    if (isHeard) kernel.send('input_request', { prompt: 'n? ' }, { parent: request, channel: 'stdin' });
    void kernel.untilReceived('input_reply', linesNeeded).then(() => {
      kernel.end(request);
      return undefined;
    });
  };
}

test('an input reply that was lost with its socket is sent once more', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  askLost(kernel, true, 2);
  const asking = run(connection, { code: 'input()', allowStdin: true });
  (await asking.until('inputRequest')).answer('Ann');
  await kernel.untilReceived('input_reply');
  kernel.drop();
  expect(await asking.end).toMatchObject({ kind: 'ok' });
  expect(linesFor(kernel)).toEqual(['Ann', 'Ann']);
});

test('if the kernel would take it twice, a possible loss is reported instead; a stop ends the run', async () => {
  await using rig = await startConnectedRig({ prepare: asIrKernel });
  const { kernel, connection } = rig;
  askLost(kernel, true, 2);
  const stop = new AbortController();
  const asking = run(connection, { code: 'readline()', allowStdin: true, signal: stop.signal });
  (await asking.until('inputRequest')).answer('Ann');
  await kernel.untilReceived('input_reply');
  kernel.drop();
  await asking.until('inputMayBeLost');
  stop.abort();
  expect(await asking.end).toMatchObject({ kind: 'interrupted' });
  expect(linesFor(kernel)).toEqual(['Ann']);
});

test('an input request that was lost with its socket is reported once as possibly lost; a stop ends the run', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  askLost(kernel, false);
  const stop = new AbortController();
  const asking = run(connection, { code: 'getpass.getpass()', allowStdin: true, signal: stop.signal });
  await asking.until('started');
  kernel.drop();
  await asking.until('inputMayBeLost');
  const quiets = (): number => kindsOf(asking.outputs).filter((kind) => kind === 'quiet').length;
  const before = quiets();
  await expect.poll(quiets).toBeGreaterThan(before + 1);
  expect(kindsOf(asking.outputs).filter((kind) => kind === 'inputMayBeLost')).toHaveLength(1);
  expect(kindsOf(asking.outputs)).not.toContain('inputRequest');
  stop.abort();
  expect(await asking.end).toMatchObject({ kind: 'interrupted' });
  expect(linesFor(kernel)).toEqual([]);
});

test('an input request on a socket that we close, because the process before it died, is reported as possibly lost', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  askLost(kernel, false);
  const { onExecute } = kernel;
  kernel.onExecute = (request) => {
    kernel.status('restarting');
    onExecute(request, kernel);
  };
  const stop = new AbortController();
  const asking = run(connection, { code: 'input()', allowStdin: true, signal: stop.signal });
  await asking.until('inputMayBeLost');
  stop.abort();
  expect(await asking.end).toMatchObject({ kind: 'interrupted' });
});

test('an input request that may have gone to an earlier process is reported as possibly lost', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection, gateway } = rig;
  askLost(kernel, false);
  const before = run(connection, { code: 'input()', allowStdin: true });
  await before.until('started');
  await connection.close();
  const later = await gateway.connect(kernel.id, { sessionId: connection.sessionId });
  const stop = new AbortController();
  const { msgId } = before.execution;
  const resumed = watch(later.resume({ msgId, allowStdin: true, signal: stop.signal }));
  await resumed.until('inputMayBeLost');
  stop.abort();
  expect(await resumed.end).toMatchObject({ kind: 'interrupted' });
});

test('an input reply that is given while the socket is down is neither sent nor requested twice', async () => {
  await using rig = await startConnectedRig({ prepare: asIrKernel });
  const { kernel, connection } = rig;
  askLost(kernel, true, 2);
  const asking = run(connection, { code: 'readline()', allowStdin: true });
  const asked = await asking.until('inputRequest');
  kernel.drop();
  await asking.until('disconnected');
  asked.answer('Ann');
  await kernel.untilReceived('input_reply');
  const quiets = (): number => kindsOf(asking.outputs).filter((kind) => kind === 'quiet').length;
  await expect.poll(quiets).toBeGreaterThan(1);
  expect(kindsOf(asking.outputs).filter((kind) => kind === 'inputRequest')).toHaveLength(1);
  expect(kindsOf(asking.outputs)).not.toContain('inputMayBeLost');
  expect(linesFor(kernel)).toEqual(['Ann']);
});
