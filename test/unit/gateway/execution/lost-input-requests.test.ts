import { expect, test, vi } from 'vitest';
import { kindsOf, run, startConnectedRig, watch } from '../../../support/gateway-client.ts';
import type { ScriptedKernel } from '../../../support/scripted-gateway.ts';

/** A question of the kernel, or the answer to it, was on the way when the wire broke: the kernel waits without a word. */

function linesFor(kernel: ScriptedKernel): unknown[] {
  return kernel.received
    .filter((message) => message.header.msg_type === 'input_reply')
    .map((message) => message.content['value']);
}

/** A kernel that keeps a line it does not wait for, and takes it for the answer to its next question. */
function asIrKernel(kernel: ScriptedKernel): void {
  kernel.implementation = 'IRkernel';
}

/** A kernel that asks without being heard, and goes on with the second line: the first was lost on the way. */
function askUnheard(kernel: ScriptedKernel, isHeard: boolean, linesNeeded = 1): void {
  kernel.onExecute = (request) => {
    kernel.begin(request);
    if (isHeard) kernel.send('input_request', { prompt: 'n? ' }, { parent: request, channel: 'stdin' });
    void kernel.untilReceived('input_reply', linesNeeded).then(() => {
      kernel.reply(request);
      kernel.status('idle', request);
      return undefined;
    });
  };
}

test('an answer that was lost with its socket is sent once more', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  askUnheard(kernel, true, 2);
  const asking = run(connection, { code: 'input()', allowStdin: true });
  (await asking.until('inputRequest')).answer('Ann');
  await kernel.untilReceived('input_reply');
  kernel.drop();
  expect(await asking.end).toMatchObject({ kind: 'ok' });
  expect(linesFor(kernel)).toEqual(['Ann', 'Ann']);
});

test('an answer that was lost is asked for again where the kernel would take it twice', async () => {
  await using rig = await startConnectedRig({ prepare: asIrKernel });
  const { kernel, connection } = rig;
  askUnheard(kernel, true, 2);
  const asking = run(connection, { code: 'readline()', allowStdin: true });
  (await asking.until('inputRequest')).answer('Ann');
  await kernel.untilReceived('input_reply');
  kernel.drop();
  await asking.until('reconnected');
  await vi.waitFor(() =>
    expect(kindsOf(asking.outputs).filter((kind) => kind === 'inputRequest')).toHaveLength(2),
  );
  const again = asking.outputs.findLast((output) => output.kind === 'inputRequest');
  expect(again).toMatchObject({ prompt: 'n? ', isPresumed: true });
  if (again?.kind === 'inputRequest') again.answer('Ben');
  expect(await asking.end).toMatchObject({ kind: 'ok' });
  expect(linesFor(kernel)).toEqual(['Ann', 'Ben']);
});

test('a question that was lost with its socket is asked for the kernel, once, where the code reads so', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  askUnheard(kernel, false);
  const asking = run(connection, { code: 'pw = getpass.getpass()', allowStdin: true });
  await asking.until('started');
  kernel.drop();
  const asked = await asking.until('inputRequest');
  expect(asked).toMatchObject({ prompt: '', password: true, refused: false, isPresumed: true });
  kernel.drop();
  await vi.waitFor(() =>
    expect(kindsOf(asking.outputs).filter((kind) => kind === 'reconnected')).toHaveLength(2),
  );
  const quiets = (): number => kindsOf(asking.outputs).filter((kind) => kind === 'quiet').length;
  const before = quiets();
  await vi.waitFor(() => expect(quiets()).toBeGreaterThan(before + 1), { timeout: 10_000 });
  expect(kindsOf(asking.outputs).filter((kind) => kind === 'inputRequest')).toHaveLength(1);
  asked.answer('x');
  expect(await asking.end).toMatchObject({ kind: 'ok' });
});

test('a question that went to a process that is no more is asked for the kernel', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection, gateway } = rig;
  askUnheard(kernel, false);
  const code = 'if False: pass\ninput()';
  const before = run(connection, { code, allowStdin: true });
  await before.until('started');
  await connection.close();
  const later = await gateway.connect(kernel.id, { sessionId: connection.sessionId });
  const { msgId } = before.execution;
  const resumed = watch(later.resume({ msgId, code, allowStdin: true }));
  const asked = await resumed.until('inputRequest');
  expect(asked).toMatchObject({ prompt: '', password: false, isPresumed: true });
  asked.answer('x');
  expect(await resumed.end).toMatchObject({ kind: 'ok' });
});

test('an answer that is given while the socket is away is neither sent nor asked for twice', async () => {
  await using rig = await startConnectedRig({ prepare: asIrKernel });
  const { kernel, connection } = rig;
  askUnheard(kernel, true, 2);
  const asking = run(connection, { code: 'readline()', allowStdin: true });
  const asked = await asking.until('inputRequest');
  kernel.drop();
  await asking.until('disconnected');
  asked.answer('Ann');
  await kernel.untilReceived('input_reply');
  const quiets = (): number => kindsOf(asking.outputs).filter((kind) => kind === 'quiet').length;
  await vi.waitFor(() => expect(quiets()).toBeGreaterThan(1), { timeout: 10_000 });
  expect(kindsOf(asking.outputs).filter((kind) => kind === 'inputRequest')).toHaveLength(1);
  expect(linesFor(kernel)).toEqual(['Ann']);
});
