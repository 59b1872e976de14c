import { expect, test } from 'vitest';
import { fence, type Rig, shown, startRig } from './listeners-rig.ts';
import { startWordGateway } from './scripted-kernel.ts';

const runs = (rig: Rig): number => rig.bot.log.filter(({ audit }) => audit === 'run').length;

test('the bot’s own messages, previews and other bots start nothing, even in a channel on auto', async () => {
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

test('MAX_CODE and KERNELS_PER_USER refuse with a sentence; output beyond SPOOL_LIMIT is said to be lost', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(
    gateway,
    { DEFAULT_LANGUAGE: 'python3', MAX_CODE: '3000', SPOOL_LIMIT: '1000', KERNELS_PER_USER: '1' },
    { rates: false },
  );
  const ana = rig.playground.as('ana');
  const { answer: whole } = await rig.slash('ana', '#data', '/spark short');
  expect(shown(whole)).not.toContain('not kept');
  // A word kernel says its own code.
  const { answer } = await rig.slash('ana', '#data', `/spark ${'x'.repeat(2_000)}`);
  expect(shown(answer)).toContain('room for the output of all runs together is full');
  const seen = rig.playground.ephemerals('ana').length;
  ana.upload('#data', { name: 'long.py', content: 'x'.repeat(3_001) }, '@sparkthread');
  const long = await rig.playground.waitFor(() => rig.playground.ephemerals('ana')[seen]);
  expect(long.text).toMatch(/too long: .* MB, and a run may have 0\.003 MB\. Nothing ran/);
  expect((await ana.slash('#general', '/spark elsewhere')).text).toMatch(
    /started a kernel that still lives.*Nothing ran/,
  );
  expect(runs(rig)).toBe(2);
  expect(gateway.kernels.size).toBe(1);
});

test('USER_LIMIT and QUEUE_LIMIT refuse with a sentence, and store nothing', async () => {
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
    /2 unfinished runs, which is the limit for one person\. Nothing ran/,
  );
  await ana.slash('#data', '/spark fourth');
  expect((await ana.slash('#data', '/spark fifth')).text).toMatch(/queue .* is full: 3 runs.*Nothing ran/);
  // Another channel has its own queue.
  await rig.slash('ana', '#general', '/spark elsewhere');
  await ben.slash('#data', '/spark stop');
  await rig.final('#data', first.ts);
  await rig.slash('ben', '#data', '/spark sixth');
  expect(runs(rig)).toBe(5);
});
