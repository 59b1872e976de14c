import { expect, test } from 'vitest';
import { run, startConnectedRig } from '../../support/gateway-client.ts';
import type { ScriptedKernel, ScriptMessage } from '../../support/scripted-gateway.ts';

/** No message of a kernel ends the process or holds it up. */

function nested(depth: number, around = '0'): string {
  return `${'['.repeat(depth)}${around}${']'.repeat(depth)}`;
}

/** JSON.stringify of the scripted gateway takes no such depth, so the text is put in afterwards. */
function frameOf(
  kernel: ScriptedKernel,
  request: ScriptMessage,
  type: string,
  content: object,
  more: object = {},
): string {
  const header = { msg_id: kernel.nextId(), msg_type: type, session: kernel.session, username: 'k' };
  return JSON.stringify({
    channel: 'iopub',
    header,
    parent_header: request.header,
    metadata: {},
    content,
    ...more,
  });
}

function sendDisplay(kernel: ScriptedKernel, request: ScriptMessage, depth: number): void {
  const data = { 'application/json': 'DEEP', 'text/plain': 'x' };
  const frame = frameOf(kernel, request, 'display_data', { data, metadata: {} });
  kernel.sendRaw(frame.replace('"DEEP"', nested(depth)));
}

test.for([5_000, 9_000, 20_000])('JSON nested %d deep is an output like others', async (depth) => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    for (let n = 0; n < 50; n += 1) kernel.stream(request, `${n}\n`);
    sendDisplay(kernel, request, depth);
    kernel.end(request);
  };
  // Nobody reads at first, so that all of it is weighed in the queue.
  const execution = connection.execute({ msgId: crypto.randomUUID(), code: '', allowStdin: false });
  expect(await execution.end).toMatchObject({ kind: 'ok', possibleGap: false });
  const kinds: string[] = [];
  for await (const { kind } of execution) kinds.push(kind);
  expect(kinds.filter((kind) => kind === 'stream')).toHaveLength(50);
  expect(kinds.at(-1)).toBe('display');
  expect((await run(connection).end).kind).toBe('ok');
});

test('a replay with JSON nested deep is there for the resume', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection, gateway } = rig;
  const written = Promise.withResolvers<ScriptMessage>();
  kernel.onExecute = (request) => {
    kernel.begin(request);
    written.resolve(request);
  };
  const before = run(connection);
  const request = await written.promise;
  await before.until('counted');
  await connection.close();
  sendDisplay(kernel, request, 9_000);
  kernel.end(request);
  const later = await gateway.connect(kernel.id, { sessionId: connection.sessionId });
  const resumed = later.resume({ msgId: before.execution.msgId });
  const kinds: string[] = [];
  for await (const { kind } of resumed) kinds.push(kind);
  expect(kinds).toContain('display');
  expect((await resumed.end).kind).toBe('ok');
});

test('an input request whose header is nested deep is answered', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    const frame = frameOf(kernel, request, 'input_request', { prompt: 'n? ' }, { channel: 'stdin' });
    kernel.sendRaw(frame.replace('"username":"k"', `"username":"k","extra":${nested(20_000)}`));
    void kernel.untilReceived('input_reply').then(() => kernel.run(request));
  };
  const asking = run(connection, { allowStdin: true });
  (await asking.until('inputRequest')).answer('Ann');
  expect((await asking.end).kind).toBe('ok');
});

test('a message with too many values is lost and reported; a long one with few is not', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  const send = (request: ScriptMessage, data: object): void =>
    void kernel.send('display_data', { data, metadata: {} }, { parent: request });
  kernel.onExecute = (request) => {
    kernel.begin(request);
    send(request, { 'application/json': Array.from({ length: 400_000 }, (_, n) => `${n}`) });
    kernel.stream(request, 'short\n');
    send(request, { 'text/plain': '\\",[{'.repeat(400_000) });
    kernel.end(request);
  };
  const running = run(connection);
  expect(await running.end).toMatchObject({ kind: 'ok', possibleGap: true });
  const kinds = running.outputs.map(({ kind }) => kind);
  // On a loaded machine the kernel may seem quiet meanwhile.
  expect(kinds.filter((kind) => kind !== 'quiet')).toEqual([
    'started',
    'counted',
    'tooBig',
    'stream',
    'display',
  ]);
  expect((await run(connection).end).kind).toBe('ok');
});
