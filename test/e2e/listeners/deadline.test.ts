import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { fence, shown, startRig } from './listeners-rig.ts';
import { startWordGateway } from './scripted-kernel.ts';

test('a command that could not be accepted before Slack gives up is refused, and runs once when it is typed again', async () => {
  await using gateway = await startWordGateway();
  const codes: unknown[] = [];
  const { onStart } = gateway;
  gateway.onStart = (kernel, call) => {
    onStart(kernel, call);
    kernel.onExecute = (request) => {
      codes.push(request.content['code']);
      kernel.run(request, 'paid');
    };
  };
  // The list is not known yet. Each look-up keeps its own time-out, but all of them together take too long.
  let isUp = false;
  gateway.answer = async ({ path }) => {
    if (path !== '/api/kernelspecs') return undefined;
    if (!isUp) return { status: 503, body: 'starting' };
    await delay(1_500);
    return undefined;
  };
  // The bot gives up after 2.5 s. On a machine at work elsewhere its words may come after Slack's 3 s.
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' }, { ackTimeoutMs: 100_000 });
  const { playground } = rig;
  await rig.bot.untilLog(({ msg }) => msg === 'the kernelspecs could not be read from the gateway');
  isUp = true;
  playground.fail('conversations.info', { kind: 'late', delayMs: 1_400 });
  const first = playground.as('ana').slash('#data', '/spark pay(100)');
  const reaction = await first;
  expect(reaction).toMatchObject({ ok: true });
  expect(reaction.text).toContain('could not be accepted, nothing ran');
  const { answer } = await rig.slash('ana', '#data', '/spark pay(100)');
  expect(shown(answer)).toContain('paid');
  await playground.waitForQuiet();
  expect(codes).toEqual(['pay(100)']);
});

test('a message waits until Slack’s rate allows to ask who wrote it, and runs once', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground } = rig;
  playground.fail('users.info', { kind: 'rateLimited', retryAfterS: 4 });
  const { ts } = playground.as('ben').post('#data', fence('waited', '@sparkthread '));
  expect(shown(await rig.final('#data', ts))).toContain('waited');
  await playground.waitForQuiet();
  expect(playground.replies('#data', ts)).toHaveLength(1);
  expect(playground.ephemerals('ben')).toEqual([]);
});

test('“Run this code” on a file is acknowledged before the file is fetched', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground } = rig;
  const file = playground.as('ben').upload('#data', { name: 'job.py', content: 'code' });
  const held = playground.hold('users.info');
  expect(await playground.as('ana').messageShortcut('run_message', file)).toMatchObject({ ok: true });
  held.release();
  expect(shown(await rig.final('#data', file.ts))).toContain('code');
});

test('a file without a language is asked for by a modal that opens before the file is fetched', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(gateway);
  const { playground } = rig;
  const file = playground.as('ben').upload('#data', { name: 'job.txt', content: 'code' });
  const ana = playground.as('ana');
  await ana.messageShortcut('run_message', file);
  const modal = await playground.waitFor(() => ana.modal);
  await playground.waitFor(() => JSON.stringify(modal.draft.blocks).includes('Language'));
  await ana.submit(modal, { language: 'scala-spark' });
  expect(shown(await rig.final('#data', file.ts))).toContain('scala-spark');
});

test('in a channel that another organisation reads nothing runs, and the author is told why', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground } = rig;
  const { text } = await playground.as('ana').slash('#partners', '/spark 1');
  expect(text).toContain('shared with another organisation');
  playground.as('ben').post('#partners', fence('2', '@sparkthread '));
  const told = await playground.waitForEphemeral('ben');
  expect(told.text).toContain('an admin can allow it');
  await playground.waitForQuiet();
  expect(playground.messages('#partners').filter(({ user }) => user === playground.bot.id)).toEqual([]);
});

test('an editor that was opened before its person was removed from the channel runs nothing', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground } = rig;
  const ben = playground.as('ben');
  expect(await ben.slash('#secret', '/spark')).toMatchObject({ ok: true });
  const modal = await playground.waitFor(() => ben.modal);
  playground.kick('#secret', 'ben');
  const refused = await ben.submit(modal, { code0: '1' });
  expect(JSON.stringify(refused.errors)).toContain('You are not in this channel');
  await playground.waitForQuiet();
  expect(playground.messages('#secret')).toEqual([]);
});

test('`use` is announced in the channel and audited', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(gateway);
  const { playground } = rig;
  await playground.as('ben').slash('#data', '/spark use scala-spark');
  const told = await playground.waitForMessage('#data', ({ text }) => text.includes('scala-spark'));
  expect(told.text).toContain(`<@${playground.user('ben').id}> set the default language`);
  const audit = await rig.bot.untilLog((line) => line['audit'] === 'use');
  expect(audit).toMatchObject({ user: playground.user('ben').id, kernelspec: 'scala-spark' });
});
