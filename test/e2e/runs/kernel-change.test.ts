import { expect, test } from 'vitest';
import { askSlash, finalAnswer } from '../../support/ask.ts';
import { holdKernels } from '../../support/held-kernels.ts';
import { type Call, startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startRig } from '../listeners/listeners-rig.ts';

/** The gateway takes its time over a restart or a deletion, and the next snippet comes meanwhile. */
const isRestart = ({ path }: Call): boolean => path.endsWith('/restart');
const isDeletion = ({ method }: Call): boolean => method === 'DELETE';

test.each([
  { command: 'restart', isAsked: isRestart, kernels: 1 },
  { command: 'shutdown', isAsked: isDeletion, kernels: 2 },
])('a snippet sent during a $command waits for its end, and runs', async ({ command, isAsked, kernels }) => {
  const gateway = await startScriptedGateway();
  const held = holdKernels(gateway);
  held.letRun();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3', LOG_LEVEL: 'debug' });
  const { playground } = rig;
  await rig.slash('ana', '#data', '/spark before()');
  const [kernel] = gateway.kernels.values();
  const open = Promise.withResolvers<undefined>();
  gateway.answer = (call) => (isAsked(call) ? open.promise : undefined);
  const asked = gateway.untilCall(isAsked);
  const commanded = playground.as('ana').slash('#data', `/spark ${command}`);
  await asked;
  const { ts: thread } = playground.as('ben').post('#data', '@sparkthread `after()`');
  await playground.waitForQuiet();
  if (command === 'restart') kernel?.comeUp();
  open.resolve(undefined);
  await commanded;
  expect((await finalAnswer(playground, '#data', thread)).outcome).toBe('ok');
  expect(held.begun.filter(({ code }) => code === 'after()')).toHaveLength(1);
  expect(gateway.kernels.size).toBe(kernels);
  await gateway.close();
});

test('a kernel that lives on after `quit()` is ended, and the next snippet gets a new one, as the answer said', async () => {
  const gateway = await startScriptedGateway();
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => {
      if (request.content['code'] !== 'quit()') return kernel.run(request);
      kernel.begin(request);
      kernel.end(request, { payload: [{ source: 'ask_exit', keepkernel: false }] });
    };
    kernel.comeUp();
  };
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const left = await askSlash(rig.playground, 'ana', '#data', '/spark quit()');
  expect(left.outcome).toBe('exited');
  expect((await askSlash(rig.playground, 'ana', '#data', '/spark after()')).outcome).toBe('ok');
  const [first, second] = gateway.kernels.values();
  expect(first?.isDeleted).toBe(true);
  expect(second?.isDeleted).toBe(false);
  await gateway.close();
});
