import { expect, test } from 'vitest';
import type { SlackMessage } from '../../../playground/messages.ts';
import { askSlash, finalAnswer, finals, untilShown } from '../../support/ask.ts';
import { type HeldKernels, holdKernels } from '../../support/held-kernels.ts';
import { type Call, type ScriptedGateway, startScriptedGateway } from '../../support/scripted-gateway.ts';
import { type Rig, startRig } from '../listeners/listeners-rig.ts';

/** Code in another language than the channel's kernel: its author is asked, and meanwhile other things happen. */
interface Scene extends AsyncDisposable {
  rig: Rig;
  gateway: ScriptedGateway;
  kernels: HeldKernels;
  /** `user` runs Scala in a channel whose kernel runs Python; the question is posted. */
  asked(user: string, code: string): Promise<{ thread: string; question: SlackMessage }>;
}

async function startScene(): Promise<Scene> {
  const gateway = await startScriptedGateway();
  const kernels = holdKernels(gateway);
  const rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3', LOG_LEVEL: 'debug' });
  const { playground } = rig;
  return {
    rig,
    gateway,
    kernels,
    async asked(user, code) {
      const { ts: thread } = playground.as(user).post('#data', `@sparkthread scala ${code}`);
      const question = await untilShown(playground, '#data', thread, 'run:switch');
      // The message as its reader sees it before Slack shows the next edit.
      return { thread, question: structuredClone(question) };
    },
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await gateway.close();
    },
  };
}

async function runPython({ rig: { playground }, kernels }: Scene, user: string, code: string): Promise<void> {
  const ran = askSlash(playground, user, '#data', `/spark python3 ${code}`);
  (await kernels.untilBegun(code)).end();
  await ran;
}

const isDeletion = ({ method }: Call): boolean => method === 'DELETE';

test('a run that is cancelled while the old kernel is being shut down never runs', async () => {
  await using scene = await startScene();
  const { rig, gateway, kernels } = scene;
  const { playground } = rig;
  await runPython(scene, 'ana', 'before()');
  const { thread, question } = await scene.asked('ana', 'regretted()');
  const open = Promise.withResolvers<undefined>();
  gateway.answer = (call) => (isDeletion(call) ? open.promise : undefined);
  const deleting = gateway.untilCall(isDeletion);
  await playground.as('ana').press(question, 'run:switch');
  await deleting;
  await playground.as('ana').press(question, 'run:cancel');
  open.resolve(undefined);
  kernels.letRun();
  expect((await finalAnswer(playground, '#data', thread)).outcome).toBe('cancelled');
  await askSlash(playground, 'ana', '#data', '/spark scala after()');
  expect(kernels.begun.map(({ code }) => code)).toEqual(['before()', 'after()']);
  expect(finals(playground, '#data', thread)).toHaveLength(1);
});

test('if the gateway refuses to shut the old kernel down, that is said, and the queue goes on', async () => {
  await using scene = await startScene();
  const { rig, gateway, kernels } = scene;
  const { playground } = rig;
  await runPython(scene, 'ana', 'before()');
  const { thread, question } = await scene.asked('ana', 'wanted()');
  gateway.answer = (call) =>
    isDeletion(call) ? { status: 500, body: { message: 'cannot be deleted', reason: null } } : undefined;
  await playground.as('ana').press(question, 'run:switch');
  kernels.letRun();
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('notStarted');
  expect(text).toContain('cannot be deleted');
  await askSlash(playground, 'ana', '#data', '/spark python3 after()');
  expect(kernels.begun.map(({ code }) => code)).toEqual(['before()', 'after()']);
});

test('a person who alone ran code in the kernel may not switch it while somebody else’s first code runs', async () => {
  await using scene = await startScene();
  const { rig, kernels } = scene;
  const { playground } = rig;
  await runPython(scene, 'ben', 'before()');
  const { thread, question } = await scene.asked('ben', 'wanted()');
  playground.as('ana').post('#data', `@sparkthread python3 hers()`);
  const hers = await kernels.untilBegun('hers()');
  await playground.as('ben').press(question, 'run:switch');
  await playground.waitForEphemeral('ben');
  hers.end();
  expect(finals(playground, '#data', thread)).toEqual([]);
});

test('an admin’s stop means the run in the kernel, not a question about a switch before it', async () => {
  await using scene = await startScene();
  const { rig, kernels } = scene;
  const { playground } = rig;
  await runPython(scene, 'ben', 'before()');
  const { thread } = await scene.asked('ben', 'wanted()');
  const { ts: running } = playground.as('ben').post('#data', '@sparkthread python3 long()');
  const long = await kernels.untilBegun('long()');
  long.kernel.onInterrupt = () => long.end();
  await playground.as('ana').slash('#data', '/spark stop');
  await finalAnswer(playground, '#data', running);
  expect(finals(playground, '#data', thread)).toEqual([]);
});

test('if the old kernel is gone after the bot was away, the question is settled', async () => {
  await using scene = await startScene();
  const { rig, gateway, kernels } = scene;
  const { playground, bot } = rig;
  await runPython(scene, 'ana', 'before()');
  const { thread } = await scene.asked('ana', 'wanted()');
  kernels.letRun();
  const deleting = gateway.untilCall(isDeletion);
  await playground.as('ana').slash('#data', '/spark shutdown');
  await deleting;
  await playground.waitForMessage('#data', ({ text }) => text.includes('shut the python3 kernel down'));
  await bot.kill();
  await bot.restart();
  expect((await finalAnswer(playground, '#data', thread)).text).toContain('wanted() ends');
});
