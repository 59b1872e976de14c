import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Ephemeral, SlackMessage } from '../../../playground/messages.ts';
import { askMessage, askSlash } from '../../support/ask.ts';
import { untilPosted } from '../../support/run-store-file.ts';
import { type ScriptedGateway, startScriptedGateway } from '../../support/scripted-gateway.ts';
import { fence, type Rig, startRig } from './listeners-rig.ts';

/** Nothing runs by accident: no late message, no mistyped command, no talk, and nothing in a language that somebody else chose. */
let gateway: ScriptedGateway;
let rig: Rig;
const given: string[] = [];
const settings = {
  DEFAULT_LANGUAGE: 'python3',
  LANGUAGES: 'scala=scala-spark',
  KERNELS_PER_CHANNEL: 'several',
};

beforeAll(async () => {
  gateway = await startScriptedGateway();
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => {
      given.push(`${kernel.name}: ${String(request.content['code'])}`);
      kernel.run(request, 'out');
    };
  };
  rig = await startRig(gateway, settings, { rates: false });
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await gateway.close();
});

async function untilTold(user: string, act: () => unknown, { playground } = rig): Promise<Ephemeral> {
  const before = playground.ephemerals(user).length;
  await act();
  return await playground.waitFor(() => playground.ephemerals(user)[before]);
}

test('a message that Slack delivers late runs once, when its author presses Run now', async () => {
  // While Slack's clock is behind, a message that is written now counts as written earlier.
  let behindMs = 20 * 60_000;
  await using late = await startRig(gateway, settings, { rates: false, now: () => Date.now() - behindMs });
  const { playground } = late;
  const ana = playground.as('ana');
  const before = given.length;
  let message: SlackMessage | undefined;
  const told = await untilTold('ana', () => (message = ana.post('#data', '@sparkthread `late()`')), late);
  behindMs = 0;
  expect(told.text).toMatch(/20 min.* after it was written, so it did not run by itself/);
  expect(given).toHaveLength(before);
  await ana.press(told, 'late:run');
  await late.final('#data', message?.ts ?? '');
  await playground.waitFor(() => told.text.includes('its author has pressed Run now'));
  expect(told.blocks).toBeUndefined();
  const after = await untilTold('ana', () => ana.post('#data', '@sparkthread help'), late);
  expect(after.text).toContain('Run code');
  expect(given.slice(before)).toEqual(['python3: late()']);
});

test('a language named in one run counts for that run; `use` chooses it for the channel', async () => {
  const { playground } = rig;
  playground.addChannel('once');
  const before = given.length;
  await askSlash(playground, 'ana', '#once', '/spark first()');
  await askSlash(playground, 'ben', '#once', '/spark scala second()');
  await askSlash(playground, 'ana', '#once', '/spark third()');
  await playground.as('ana').slash('#once', '/spark use scala');
  await playground.waitForMessage('#once', ({ text }) =>
    text.includes('default language of this channel to `scala-spark`'),
  );
  await askSlash(playground, 'ben', '#once', '/spark python3 fourth()');
  await askSlash(playground, 'ana', '#once', '/spark fifth()');
  expect(given.slice(before)).toEqual([
    'python3: first()',
    'scala-spark: second()',
    'python3: third()',
    'python3: fourth()',
    'scala-spark: fifth()',
  ]);
});

test('without a choice the language is that of the channel’s kernel', async () => {
  const { playground } = rig;
  playground.addChannel('kernels-own');
  await askSlash(playground, 'ana', '#kernels-own', '/spark scala one()');
  await askSlash(playground, 'ana', '#kernels-own', '/spark two()');
  expect(given.slice(-2)).toEqual(['scala-spark: one()', 'scala-spark: two()']);
});

test('text that is nearly a command is asked back privately, and runs once if it was meant as code', async () => {
  const { playground } = rig;
  playground.addChannel('near');
  const ana = playground.as('ana');
  const before = given.length;
  const asked = await untilTold('ana', () => ana.slash('#near', '/spark restrat'));
  expect(asked.text).toContain('Did you mean `restart`? Nothing ran.');
  const mentioned = await untilTold('ana', () => ana.post('#near', '@sparkthread help use'));
  expect(mentioned.text).toContain('Did you mean `help`?');
  expect(given).toHaveLength(before);
  await ana.press(asked, 'near:run');
  const root = await playground.waitForMessage(
    '#near',
    ({ metadata }) => metadata?.event_type === 'sparkthread_root',
  );
  await rig.final('#near', root.ts);
  const again = await untilTold('ana', () => ana.press(asked, 'near:run'));
  expect(again.text).toContain('accepted already');
  expect(given.slice(before)).toEqual(['python3: restrat']);
});

test('in a mention such text runs as code under that message; a guest is refused', async () => {
  const { playground } = rig;
  playground.addChannel('near-mention');
  const ben = playground.as('ben');
  let ts = '';
  const asked = await untilTold('ben', () => {
    ts = ben.post('#near-mention', '@sparkthread kernel').ts;
  });
  await ben.press(asked, 'near:run');
  await rig.final('#near-mention', ts);
  expect(given.at(-1)).toBe('python3: kernel');
  const refused = await untilTold('gus', () => playground.as('gus').slash('#near-mention', '/spark restrat'));
  expect(refused.text).toContain('Guests');
});

test('an unknown !word alone in a thread of the bot is answered with the known ones; after a mention it is code', async () => {
  const { playground } = rig;
  playground.addChannel('bangs');
  const ana = playground.as('ana');
  const { thread } = await askSlash(playground, 'ana', '#bangs', '/spark 1');
  const told = await untilTold('ana', () => ana.post('#bangs', '!stats', { thread }));
  expect(told.text).toContain('!stop, !restart, !status, !help');
  await askMessage(playground, 'ana', '#bangs', '@sparkthread !ls', { thread });
  expect(given.at(-1)).toBe('python3: !ls');
  const seen = playground.ephemerals('ana').length;
  ana.post('#bangs', '!stats');
  await playground.waitForQuiet();
  expect(playground.ephemerals('ana')).toHaveLength(seen);
});

test('beside a file, “run” is about the file, not about what is saved', async () => {
  const { playground } = rig;
  playground.addChannel('run-file');
  const ana = playground.as('ana');
  for (const [words, kernelspec] of [
    ['run', 'python3'],
    ['Run this', 'python3'],
    ['run scala', 'scala-spark'],
  ] as const) {
    const { ts } = ana.upload('#run-file', { name: 'job.py', content: words }, `@sparkthread ${words}`);
    await rig.final('#run-file', ts);
    expect(given.at(-1)).toBe(`${kernelspec}: ${words}`);
  }
});

test('a file that cannot be run is refused by its kind', async () => {
  const { playground } = rig;
  playground.addChannel('kinds');
  const csv = { name: 'data.csv', content: 'a,b' };
  // Slack calls any uploaded text file a snippet.
  const json = { name: 'channels.json', content: '[1]', snippet: 'json' };
  for (const file of [csv, json])
    for (const words of ['@sparkthread', '@sparkthread python3']) {
      const told = await untilTold('ana', () => playground.as('ana').upload('#kinds', file, words));
      expect(told.text).toContain(`${file.name} cannot be run`);
    }
});

test('“Run this code” does not run talk, and on an answer or its root message it runs that answer’s code', async () => {
  const { playground } = rig;
  playground.addChannel('shortcuts');
  const ben = playground.as('ben');
  const talk = playground.as('ana').post('#shortcuts', 'hello, can you count the rows?');
  const told = await untilTold('ben', () => ben.messageShortcut('run_message', talk));
  expect(told.text).toContain('no code');
  const { root, answer } = await rig.slash('ana', '#shortcuts', '/spark scala answered()');
  // It is the bot's answer once Slack has told the bot which message it became.
  await untilPosted(rig.bot.folder, root.ts);
  for (const message of [answer, root]) {
    const before = given.length;
    await ben.messageShortcut('run_message', message);
    await playground.waitFor(() => given[before]);
    expect(given.slice(before)).toEqual(['scala-spark: answered()']);
  }
  const fenced = playground.as('ana').post('#shortcuts', fence('fenced()', 'look at this '));
  await ben.messageShortcut('run_message', fenced);
  await rig.final('#shortcuts', fenced.ts);
  expect(given.at(-1)).toBe('scala-spark: fenced()');
});
