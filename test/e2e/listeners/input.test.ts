import { expect, test } from 'vitest';
import type { SlackMessage } from '../../../playground/messages.ts';
import type { View } from '../../../playground/views.ts';
import { sendBox } from '../../support/ask.ts';
import { buttonsOf, fence, type Gateway, type Rig, shown, startRig, useRealRig } from './listeners-rig.ts';

let rig: Rig;
let gateway: Gateway;
useRealRig({ DEFAULT_LANGUAGE: 'python3', LOG_LEVEL: 'trace' }, (started, its) => {
  rig = started;
  gateway = its;
});

async function ask(channel: string, code: string): Promise<{ root: SlackMessage; asked: SlackMessage }> {
  const { playground } = rig;
  if (![...playground.service.world.channels.values()].some(({ name }) => `#${name}` === channel))
    playground.addChannel(channel.slice(1));
  const root = playground.as('ben').post(channel, fence(code, '@sparkthread '));
  const asked = await playground.waitForReply(channel, root.ts, (reply) =>
    buttonsOf(reply).includes('run:answerInput'),
  );
  return { root, asked };
}

async function openBox(asked: SlackMessage): Promise<View> {
  const ben = rig.playground.as('ben');
  await ben.press(asked, 'run:answerInput');
  return await rig.playground.waitFor(() => ben.modal);
}

test('two questions in a row are answered, in a box that opens for the requester only', async () => {
  const { playground } = rig;
  const { root, asked } = await ask('#ask', 'a = input("Name? ")\nb = input("Age? ")\nprint(f"[{a}|{b}]")');
  expect(shown(asked)).toContain('Name?');
  await playground.as('ana').press(asked, 'run:answerInput');
  const refused = await playground.waitForEphemeral('ana', ({ channel }) => channel === root.channel);
  expect(refused.text).toContain('Only the person who ran this');
  expect(playground.as('ana').modal).toBeUndefined();
  const first = await openBox(asked);
  expect(JSON.stringify(first.draft.blocks)).toContain('Name?');
  const ben = playground.as('ben');
  expect(await ben.submit(first, { line: ' Ben <b>&amp; ' })).toMatchObject({ ok: true });
  const next = await playground.waitForReply('#ask', root.ts, (reply) => shown(reply).includes('Age?'));
  const late = await ben.submit(first, { line: 'again' });
  expect(late.errors).toEqual({ line: expect.stringContaining('over') });
  await ben.submit(await openBox(next), {});
  expect(shown(await rig.final('#ask', root.ts))).toContain('[ Ben <b>&amp; |]');
});

test('a reply in the thread answers the code, and question and answer stay', async () => {
  const { playground } = rig;
  const { root } = await ask('#reply', 'name = input("Name? ")\nprint(f"hello {name}")');
  const ben = playground.as('ben');
  playground.as('ana').post('#reply', 'a stranger says something', { thread: root.ts });
  ben.post('#reply', 'Ben & <b>', { thread: root.ts });
  const final = await rig.final('#reply', root.ts);
  expect(JSON.stringify(final.blocks)).toContain(String.raw`Name? Ben & <b>\nhello Ben & <b>`);
});

test('text that is typed into a getpass box appears nowhere', async () => {
  const { playground, bot } = rig;
  const { root, asked } = await ask('#pass', 'from getpass import getpass\nprint(len(getpass("Token: ")))');
  const box = await openBox(asked);
  expect(box.draft.title.text).toBe('Password');
  await playground.as('ben').submit(box, { line: 'hunter2-correct-horse' });
  expect(shown(await rig.final('#pass', root.ts))).toContain('21');
  expect(bot.lines.filter((line) => line.includes('hunter2'))).toEqual([]);
  expect(playground.calls.filter((call) => JSON.stringify(call).includes('hunter2'))).toEqual([]);
});

test('a run that asks can be stopped like any other, and the kernel serves the next run', async () => {
  const { playground } = rig;
  const { root, asked } = await ask('#stopask', 'input("Forever? ")');
  await playground.as('ben').press(asked, 'run:stop');
  expect(shown(await rig.final('#stopask', root.ts))).toContain('Stopped');
  const next = playground.as('ben').post('#stopask', fence('print("next")', '@sparkthread '));
  expect(shown(await rig.final('#stopask', next.ts))).toContain('next');
});

test('a question stays open when the bot dies: its button and its box work afterwards', async () => {
  const { playground, bot } = rig;
  const { root, asked } = await ask('#died', 'print("here is", input("Still there? "))');
  const box = await openBox(asked);
  await bot.kill();
  await bot.restart();
  const ben = playground.as('ben');
  await sendBox(ben, box, 'Ben');
  expect(shown(await rig.final('#died', root.ts))).toContain('here is Ben');
});

test('if nobody answers within INPUT_TIMEOUT, that is said and the run is interrupted', async () => {
  await using quick = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3', INPUT_TIMEOUT: '2s' });
  // On a slow machine the time may be over before the question is seen.
  const root = quick.playground.as('ben').post('#data', fence('input("Quick! ")', '@sparkthread '));
  expect(shown(await quick.final('#data', root.ts))).toContain('no input came');
});
