import { expect, test } from 'vitest';
import { fence, type Rig, startRig } from './listeners-rig.ts';
import { startWordGateway } from './scripted-kernel.ts';

const runs = (rig: Rig): number => rig.bot.log.filter(({ audit }) => audit === 'run').length;

test('the bot’s own words, previews and other bots start nothing, also where everything runs by itself', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(
    gateway,
    { DEFAULT_LANGUAGE: 'python3', AUTO_RUN: 'all' },
    { rates: false },
  );
  const { playground } = rig;
  // The root message and the answer are code blocks of the bot, posted and edited.
  const { root } = await rig.slash('ana', '#data', '/spark one');
  const posted = playground.as('ana').post('#data', fence('two'));
  await rig.final('#data', posted.ts);
  playground.unfurl(posted, 'https://example.org/');
  playground.unfurl(root, 'https://example.org/');
  playground.as('deploybot').post('#data', fence('three'));
  playground.as('deploybot').post('#data', fence('three', '@sparkthread '));
  const event = playground.deliveries.find(({ name }) => name === 'message');
  if (event !== undefined) playground.repeat(event);
  await playground.waitForQuiet();
  const last = playground.as('ana').post('#data', fence('four'));
  await rig.final('#data', last.ts);
  expect(runs(rig)).toBe(3);
});

test('USER_LIMIT and QUEUE_LIMIT refuse with a sentence, and nothing else is kept', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(
    gateway,
    { DEFAULT_LANGUAGE: 'python3', USER_LIMIT: '2', QUEUE_LIMIT: '3' },
    { rates: false },
  );
  const { playground } = rig;
  const [ana, ben] = [playground.as('ana'), playground.as('ben')];
  const first = ben.post('#data', fence('hang', '@sparkthread '));
  await playground.waitForReply('#data', first.ts, ({ text }) => text.includes('begun'));
  await ben.slash('#data', '/spark second');
  expect((await ben.slash('#data', '/spark third')).text).toMatch(
    /2 unfinished runs.*USER_LIMIT.*Nothing ran/,
  );
  await ana.slash('#data', '/spark fourth');
  expect((await ana.slash('#data', '/spark fifth')).text).toMatch(
    /queue .* is full: 3 runs.*QUEUE_LIMIT.*Nothing ran/,
  );
  // Another channel has its own queue.
  await rig.slash('ana', '#general', '/spark elsewhere');
  await ben.slash('#data', '/spark stop');
  await rig.final('#data', first.ts);
  await rig.slash('ben', '#data', '/spark sixth');
  expect(runs(rig)).toBe(5);
});
