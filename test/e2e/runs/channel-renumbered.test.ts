import { expect, onTestFinished, test } from 'vitest';
import { askMessage, askSlash, finalAnswer, finals } from '../../support/ask.ts';
import { holdKernels } from '../../support/held-kernels.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startRig } from '../listeners/listeners-rig.ts';

test('when Slack gives a channel another id, its kernel, run, settings, saved snippets and buttons stay', async () => {
  const gateway = await startScriptedGateway();
  onTestFinished(() => gateway.close());
  const kernels = holdKernels(gateway);
  await using rig = await startRig(gateway, (playground) => ({
    DEFAULT_LANGUAGE: 'python3',
    ALLOWED_CHANNELS: playground.channel('#secret').id,
  }));
  const { playground, bot } = rig;
  const before = playground.channel('#secret').id;
  const first = askMessage(playground, 'ana', '#secret', '@sparkthread first()');
  (await kernels.untilBegun('first()')).end();
  const { message: answer } = await first;
  await playground.as('ana').slash('#secret', '/spark auto on');
  playground.as('ana').post('#secret', '!save kept', { thread: answer.thread_ts ?? '' });
  await playground.waitForEphemeral('ana', ({ text }) => text.includes('Saved as'));
  const { ts: thread } = playground.as('ben').post('#secret', '@sparkthread long()');
  const long = await kernels.untilBegun('long()');
  await playground.waitForReply('#secret', thread);

  const { id: after } = playground.renumber('#secret');
  await playground.waitForQuiet();
  long.end();
  expect(await finalAnswer(playground, '#secret', thread)).toMatchObject({ outcome: 'ok' });
  expect(finals(playground, '#secret', thread)).toHaveLength(1);
  kernels.letRun();
  await playground.as('ana').press(answer, 'run:runAgain');
  await finalAnswer(playground, '#secret', answer.thread_ts ?? '', 1);

  await bot.kill();
  await bot.restart({ ALLOWED_CHANNELS: after });
  await askMessage(playground, 'ben', '#secret', '```unasked()```');
  await askSlash(playground, 'ben', '#secret', '/spark run kept');
  expect(kernels.begun.map(({ code }) => code)).toEqual([
    'first()',
    'long()',
    'first()',
    'unasked()',
    'first()',
  ]);
  expect(new Set(kernels.begun.map(({ kernel }) => kernel.id)).size).toBe(1);
  const refused = playground.calls.filter(({ error }) => error === 'channel_not_found');
  expect(refused).toEqual([]);
  expect(after).not.toBe(before);
});
