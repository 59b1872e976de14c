import { expect, test } from 'vitest';
import type { SlackMessage } from '../../../playground/messages.ts';
import { fence, type Rig, shown, useRealRig } from './listeners-rig.ts';

let rig: Rig;
useRealRig({ DEFAULT_LANGUAGE: 'python3' }, (started) => (rig = started));

function runOf({ metadata }: SlackMessage): string {
  return String(metadata?.event_payload?.['run']);
}

test('code saved from an answer’s menu runs by its name, in a slash command and in a mention, also after kill -9', async () => {
  const { playground } = rig;
  playground.addChannel('keep');
  const ana = playground.as('ana');
  const { answer } = await rig.slash('ben', '#keep', '/spark print("kept", 6 * 7)');
  await ana.press(answer, 'run:menu', `save|${runOf(answer)}|ended`);
  await playground.waitFor(() => ana.modal !== undefined);
  await ana.submit(ana.modal ?? never(), { name: 'answer' });
  await playground.waitFor(() => JSON.stringify(ana.modal?.draft).includes('Saved as'));
  await rig.bot.kill();
  await rig.bot.restart();
  const ran = await rig.slash('ben', '#keep', '/spark run Answer');
  expect(ran.root.text).toContain('ran Python 3, saved as answer');
  expect(shown(ran.answer)).toContain('kept 42');
  const mention = playground.as('ben').post('#keep', '@sparkthread run answer');
  const replied = shown(await rig.final('#keep', mention.ts));
  expect(replied).toContain('ran answer, as it is saved here');
  expect(replied).toContain('kept 42');
});

test('the thread’s code is saved by !save; a name that is not known is asked back', async () => {
  const { playground } = rig;
  playground.addChannel('names');
  const ben = playground.as('ben');
  const root = ben.post('#names', fence('1 + 1', '@sparkthread '));
  await rig.final('#names', root.ts);
  ben.post('#names', '!save two', { thread: root.ts });
  await playground.waitForEphemeral('ben', ({ text }) => text.includes('Saved as `two`'));
  await ben.slash('#names', '/spark run tow');
  const asked = await playground.waitForEphemeral('ben', ({ text }) => text.includes('“tow”'));
  expect(asked.text).toContain('Saved here: two.');
});

test('values for a saved snippet are put after its own assignments, as literals', async () => {
  const { playground } = rig;
  playground.addChannel('values');
  const ben = playground.as('ben');
  const root = ben.post('#values', fence('n = 1\nword = "none"\nprint(n * 2, repr(word))', '@sparkthread '));
  expect(shown(await rig.final('#values', root.ts))).toContain("2 'none'");
  ben.post('#values', '!save twice', { thread: root.ts });
  await playground.waitForEphemeral('ben', ({ text }) => text.includes('Saved as `twice`'));
  const typed = String.raw`/spark run twice n=21 word="\"); 1/0 #"`;
  expect(shown((await rig.slash('ben', '#values', typed)).answer)).toContain(`42 '"); 1/0 #'`);
  expect(shown((await rig.slash('ben', '#values', '/spark print(n)')).answer)).toContain('21');
  await ben.slash('#values', '/spark run twice n=21; 1/0');
  await playground.waitForEphemeral('ben', ({ text }) => text.includes('does not fit'));
});

function never(): never {
  throw new Error('no modal is open');
}
