import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { SlackMessage } from '../../../playground/messages.ts';
import { type Rig, shown, useRealRig } from './listeners-rig.ts';

let rig: Rig;
useRealRig({ DEFAULT_LANGUAGE: 'python3' }, (started) => (rig = started));

/** Makes the schedules believe that the bot was away for this long. The bot has to be dead, because only it may have the file open. */
function ageSchedules(byMs: number): void {
  const db = new DatabaseSync(join(rig.bot.folder, 'sparkthread.db'));
  const write = db.prepare("UPDATE keyv SET value = ? WHERE namespace = 'schedule' AND key = ?");
  for (const { key, value } of db.prepare("SELECT key, value FROM keyv WHERE namespace = 'schedule'").all()) {
    const aged = String(value).replace(
      /"settledTo":(\d+)/,
      (_, atMs: string) => `"settledTo":${Number(atMs) - byMs}`,
    );
    write.run(aged, String(key));
  }
  db.close();
}

async function saveAndSchedule(channel: string, code: string, schedule: string): Promise<void> {
  const { playground } = rig;
  const { id } = playground.addChannel(channel.slice(1));
  const ben = playground.as('ben');
  await rig.slash('ben', channel, `/spark ${code}`);
  await ben.slash(channel, '/spark save report');
  const told = async (words: string): Promise<void> => {
    await playground.waitForEphemeral('ben', (each) => each.channel === id && each.text.includes(words));
  };
  await told('Saved as');
  await ben.slash(channel, `/spark schedule report ${schedule}`);
  await told('Next:');
}

/** Its next minute is far away, which that of `hourly` is not at the end of an hour. */
const TEN_MINUTES_AGO = `"${new Date(Date.now() - 10 * 60_000).getUTCMinutes()} * * * *"`;

function isScheduled({ text }: SlackMessage): boolean {
  return text.includes('scheduled by');
}

test('a time that was missed while the bot was away runs once and names the maker; a successor does not repeat it', async () => {
  const { playground, bot } = rig;
  await saveAndSchedule('#weekly', 'n = 1; print("n is", n)', `${TEN_MINUTES_AGO} n=7`);
  await bot.kill();
  ageSchedules(3 * 60 * 60_000);
  await bot.restart();
  const root = await playground.waitForMessage('#weekly', isScheduled);
  expect(root.text).toContain(
    `Python 3, saved as report, scheduled by <@${playground.user('ben').id}>, ${TEN_MINUTES_AGO}`,
  );
  await rig.final('#weekly', root.ts);
  await bot.kill();
  await bot.restart();
  await rig.slash('ana', '#weekly', '/spark 1');
  expect(playground.messages('#weekly').filter(isScheduled)).toHaveLength(1);
});

test('with `only on failure` a run that ends well is announced nowhere, and a failure names its maker', async () => {
  const { playground, bot } = rig;
  await saveAndSchedule('#quiet', 'ok = 1; print(ok / ok)', `${TEN_MINUTES_AGO} only on failure ok=1`);
  await bot.kill();
  ageSchedules(60 * 60_000);
  await bot.restart();
  const { id } = playground.channel('#quiet');
  await bot.untilLog(
    (line) => line['audit'] === 'run' && line['channel'] === id && line['source'] === 'schedule',
  );
  await rig.slash('ana', '#quiet', '/spark ok = 0');
  expect(playground.messages('#quiet').filter(isScheduled)).toEqual([]);
  await rig.slash('ben', '#quiet', '/spark 1/0');
  const ben = playground.as('ben');
  await ben.slash('#quiet', '/spark save broken');
  await playground.waitForEphemeral('ben', ({ text }) => text.includes('Saved as `broken`'));
  await ben.slash('#quiet', `/spark schedule broken ${TEN_MINUTES_AGO} only on failure`);
  await playground.waitForEphemeral('ben', ({ text }) => text.includes('Schedule 2'));
  await bot.kill();
  ageSchedules(60 * 60_000);
  await bot.restart();
  const root = await playground.waitForMessage('#quiet', isScheduled);
  expect(root.text).toContain('saved as broken');
  const named = await playground.waitForReply('#quiet', root.ts, ({ text }) => text.includes('failed after'));
  expect(named.text).toContain(`<@${playground.user('ben').id}>`);
});

test('the list has buttons: a schedule is paused, resumed, run and deleted by hand', async () => {
  const { playground } = rig;
  await saveAndSchedule('#list', 'print("by hand")', '"0 0 1 1 *"');
  const ben = playground.as('ben');
  const { id } = playground.channel('#list');
  const listed = (words: string) =>
    playground.waitForEphemeral('ben', (each) => each.channel === id && shown(each).includes(words));
  await ben.slash('#list', '/spark schedules');
  const list = await listed('Schedules of this channel');
  expect(list.text).toContain('`report`, "0 0 1 1 *" (Europe/Berlin)');
  await ben.press(list, 'schedule:pause');
  const paused = await listed('*paused* (by hand)');
  await ben.press(paused, 'schedule:runNow');
  const root = await playground.waitForMessage('#list', ({ text }) => text.includes('saved as report'));
  expect(shown(await rig.final('#list', root.ts))).toContain('by hand');
  await ben.press(paused, 'schedule:resume');
  await listed('next <!date');
  await ben.press(list, 'schedule:delete');
  await listed('Nothing is scheduled');
});

test('the schedule form, the editor’s list and the home tab show saved snippets', async () => {
  const { playground } = rig;
  await saveAndSchedule('#forms', 'print("loaded " * 2)', 'mondays 9:00');
  const ben = playground.as('ben');
  await ben.slash('#forms', '/spark schedule');
  await playground.waitFor(() => ben.modal !== undefined);
  const values = { snippet: 'report', timing: 'every 30 min', values: 'n=1' };
  await ben.submit(ben.modal ?? never(), values);
  await playground.waitFor(() => JSON.stringify(ben.modal?.draft).includes('Schedule 2'));
  await ben.close(ben.modal ?? never());
  await ben.slash('#forms', '/spark');
  await playground.waitFor(() => ben.modal !== undefined);
  const editor = ben.modal ?? never();
  const option = /"value":"([^"]+)"/.exec(JSON.stringify(editor.draft.blocks[0]))?.[1];
  await ben.pressInView(editor, 'editor:load', option);
  await playground.waitFor(() => JSON.stringify(ben.modal?.draft).includes('loaded'));
  const seen = new Set(playground.messages('#forms').map(({ ts }) => ts));
  await ben.submit(ben.modal ?? never(), {});
  const root = await playground.waitForMessage('#forms', ({ ts }) => !seen.has(ts));
  expect(shown(await rig.final('#forms', root.ts))).toContain('loaded loaded');
  ben.openHome();
  await playground.waitFor(() => JSON.stringify(ben.home?.draft.blocks ?? []).includes('Saved in your'));
  expect(JSON.stringify(ben.home?.draft)).toContain('Scheduled in your channels');
});

function never(): never {
  throw new Error('not there');
}
