import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { SlackMessage } from '../../../playground/messages.ts';
import { buttonsOf, fence, isFinal, type Rig, shown, useRealRig } from './listeners-rig.ts';

let rig: Rig;
useRealRig({ DEFAULT_LANGUAGE: 'python3' }, (started) => (rig = started));

const endless = 'import time\nprint("begun", flush=True)\ntime.sleep(600)';
const isBegun = (reply: SlackMessage): boolean => shown(reply).includes('begun');

async function startEndless(channel: string): Promise<{ root: SlackMessage; live: SlackMessage }> {
  const root = rig.playground.as('ben').post(channel, fence(endless, '@sparkthread '));
  return { root, live: await rig.playground.waitForReply(channel, root.ts, isBegun) };
}

/** The bot has to be dead, because only it may have the file open. */
function openStore(look: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(join(rig.bot.folder, 'sparkthread.db'));
  look(db);
  db.close();
}

test('Stop is refused to a stranger, who alone is told, and counts once when it is pressed twice at once', async () => {
  const { playground, bot } = rig;
  playground.addUser('mia');
  playground.addChannel('stop');
  const { root, live } = await startEndless('#stop');
  expect(buttonsOf(live)).toEqual(['run:stop']);
  expect(await playground.as('mia').press(live, 'run:stop')).toMatchObject({ ok: true });
  expect(
    (await playground.waitForEphemeral('mia', ({ channel }) => channel === root.channel)).text,
  ).toContain('Only admins may stop');
  expect(isFinal(live)).toBe(false);
  const presses = [1, 2, 3].map(() => playground.as('ben').press(live, 'run:stop'));
  await Promise.all(presses);
  expect(shown(await rig.final('#stop', root.ts))).toContain('Stopped');
  expect(playground.ephemerals('ben').filter(({ channel }) => channel === root.channel)).toEqual([]);
  expect(bot.log.filter(({ audit, channel }) => audit === 'run' && channel === root.channel)).toHaveLength(1);
});

test('a Stop after the end is answered with that, and the answer is not written to any more', async () => {
  const { playground } = rig;
  playground.addChannel('late');
  const sign = join(rig.bot.folder, 'sign');
  const code = `import os, time\nprint("begun", flush=True)\nwhile not os.path.exists(${JSON.stringify(sign)}): time.sleep(0.05)`;
  const root = playground.as('ben').post('#late', fence(code, '@sparkthread '));
  const live = structuredClone(await playground.waitForReply('#late', root.ts, isBegun));
  await writeFile(sign, '');
  const answer = structuredClone(await rig.final('#late', root.ts));
  await playground.waitForQuiet();
  await playground.as('ben').press(live, 'run:stop');
  const told = await playground.waitForEphemeral('ben', ({ channel }) => channel === root.channel);
  expect(told.text).toContain('has ended already, so nothing was stopped');
  await rig.slash('ben', '#late', '/spark 1+1');
  expect(playground.replies('#late', root.ts)).toEqual([answer]);
});

test('an admin stops somebody else’s run, also after kill -9 of the bot', async () => {
  const { playground } = rig;
  playground.addChannel('admin');
  const { root, live } = await startEndless('#admin');
  await rig.bot.kill();
  await rig.bot.restart();
  await playground.as('ana').press(live, 'run:stop');
  const answer = await rig.final('#admin', root.ts);
  expect(answer.ts).toBe(live.ts);
  expect(shown(answer)).toContain('Stopped');
});

test('Cancel removes a waiting run', async () => {
  const { playground } = rig;
  playground.addChannel('cancel');
  const { live } = await startEndless('#cancel');
  const waiting = playground.as('ana').post('#cancel', fence('print("never")', '@sparkthread '));
  const shownWaiting = await playground.waitForReply('#cancel', waiting.ts, (reply) =>
    reply.text.includes('Waiting'),
  );
  await playground.as('ana').press(shownWaiting, 'run:cancel');
  expect(shown(await rig.final('#cancel', waiting.ts))).toContain('Cancelled');
  await playground.as('ben').press(live, 'run:stop');
});

test('a person who waits behind somebody else’s run can ask its requester once in ten minutes, also over a restart', async () => {
  const { playground } = rig;
  playground.addUser('mia');
  playground.addChannel('ask');
  const { root, live } = await startEndless('#ask');
  const [ana, ben, mia] = [playground.as('ana'), playground.as('ben'), playground.as('mia')];
  const waits = async (ts: string): Promise<SlackMessage> =>
    await playground.waitForReply('#ask', ts, (reply) => reply.text.includes('Waiting'));
  const own = await waits(ben.post('#ask', fence('1', '@sparkthread ')).ts);
  expect(buttonsOf(own)).toEqual(['run:cancel']);
  // The message as ana sees it before her Slack shows the edits.
  const waiting = structuredClone(await waits(ana.post('#ask', fence('2', '@sparkthread ')).ts));
  expect(buttonsOf(waiting)).toEqual(['run:cancel', 'run:ask']);
  const told = async (user: string, words: string): Promise<void> => {
    await playground.waitForEphemeral(
      user,
      ({ text, channel }) => channel === root.channel && text.includes(words),
    );
  };
  await mia.press(waiting, 'run:ask');
  await told('mia', 'Only the person whose run waits can ask');
  const direct = playground.service.world.direct(ben.user.id, playground.bot.id);
  expect(playground.messages(direct.id)).toEqual([]);
  await ana.press(waiting, 'run:ask');
  await told('ana', `<@${ben.user.id}> was asked`);
  const [asked] = playground.messages(direct.id);
  expect(asked?.text).toMatch(
    new RegExp(`^<@${ana.user.id}> waits in <#${root.channel}> behind your run, for \\d+ s by now`),
  );
  expect(asked?.text).toContain(live.ts.replace('.', ''));
  await rig.bot.kill();
  await rig.bot.restart();
  await ana.press(waiting, 'run:ask');
  await told('ana', 'was asked already, and can be asked again in 10 min');
  expect(playground.messages(direct.id)).toHaveLength(1);
  await ana.press(waiting, 'run:cancel');
  await ben.press(own, 'run:cancel');
  await ben.press(live, 'run:stop');
  await rig.final('#ask', root.ts);
  await ana.press(waiting, 'run:ask');
  await told('ana', 'is no longer waiting, so nobody was asked');
});

test('Run again works after a restart of the bot, once for a double click, and for the next person too', async () => {
  const { playground, bot } = rig;
  playground.addChannel('again');
  const { root, answer } = await rig.slash('ana', '#again', '/spark print("twice", 21 * 2)');
  await bot.kill();
  await bot.restart();
  const ben = playground.as('ben');
  await Promise.all([ben.press(answer, 'run:runAgain'), ben.press(answer, 'run:runAgain')]);
  const second = await rig.final('#again', root.ts, ({ ts }) => ts !== answer.ts);
  expect(shown(second)).toContain('42');
  // The answer says whose run it is, because the message above is ana's.
  expect(shown(second)).toContain('ran this again');
  expect(shown(second)).toContain(`"user_id":"${playground.user('ben').id}"`);
  const told = await playground.waitForEphemeral('ben', ({ channel }) => channel === root.channel);
  expect(told.text).toContain('accepted already');
  expect(playground.replies('#again', root.ts)).toHaveLength(2);
  await playground.as('ana').press(answer, 'run:runAgain');
  const third = await rig.final('#again', root.ts, ({ ts }) => ts !== answer.ts && ts !== second.ts);
  expect(shown(third)).toContain('42');
  expect(shown(third)).not.toContain('ran this again');
  const again = await bot.untilLog(({ audit, source }) => audit === 'run' && source === 'again');
  expect(again['user']).toBe(playground.user('ben').id);
});

test('Edit and run opens the code, each block in its field, and answers in the same thread', async () => {
  const { playground } = rig;
  playground.addChannel('editrun');
  const ana = playground.as('ana');
  const root = ana.post('#editrun', `@sparkthread ${fence('a = “1”')} and ${fence('print(a)')}`);
  const answer = await rig.final('#editrun', root.ts);
  await ana.press(answer, 'run:editAndRun');
  const modal = await playground.waitFor(() => ana.modal);
  expect(modal.values).toMatchObject({
    code0: { code0: { value: 'a = “1”' } },
    code1: { code1: { value: 'print(a)' } },
  });
  await ana.submit(modal, { code0: 'a = "“1”"' });
  const second = await rig.final('#editrun', root.ts, ({ ts }) => ts !== answer.ts);
  expect(shown(second)).toContain('ran an edited version');
  expect(shown(second)).toContain(JSON.stringify('a = "“1”"').slice(1, -1));
});

test('code that is longer than one field of a modal is edited in several', async () => {
  const { playground } = rig;
  playground.addChannel('long');
  const ana = playground.as('ana');
  const root = ana.post('#long', fence(`x = """${'y'.repeat(3_000)}"""`, '@sparkthread '));
  const answer = await rig.final('#long', root.ts);
  await ana.press(answer, 'run:editAndRun');
  const modal = await playground.waitFor(() => ana.modal);
  expect(JSON.stringify(modal.draft)).toContain('y'.repeat(1_000));
  await ana.close(modal);
});

test('Delete, for the requester and admins, removes the answer, the root message with its code, and what was stored', async () => {
  const { playground, bot } = rig;
  playground.addUser('tom');
  playground.addChannel('forget');
  const { root, answer } = await rig.slash('ben', '#forget', '/spark print("forgetmenot"[:6])');
  await playground.as('tom').press(answer, 'run:delete');
  expect((await playground.waitForEphemeral('tom')).text).toContain('Only admins may delete');
  await playground.as('ben').press(answer, 'run:delete');
  await playground.waitFor(() => !playground.messages('#forget').some(({ ts }) => ts === answer.ts));
  await playground.waitForQuiet();
  expect(JSON.stringify(playground.messages('#forget'))).not.toContain('forgetmenot');
  expect(
    playground.messages('#forget').some(({ ts, subtype }) => ts === root.ts && subtype !== 'tombstone'),
  ).toBe(false);
  await bot.kill();
  openStore((db) => {
    const left = db.prepare("SELECT count(*) AS n FROM runs WHERE data LIKE '%forgetmenot%'").get();
    expect(left).toMatchObject({ n: 0 });
  });
  await bot.restart();
});

test('KEEP_RUNS erases runs, and their buttons say so afterwards', async () => {
  const { playground, bot } = rig;
  playground.addChannel('kept');
  const { answer } = await rig.slash('ana', '#kept', '/spark 1+1');
  await bot.untilLog(({ audit, channel }) => audit === 'run' && channel === answer.channel);
  await bot.stop();
  openStore((db) => db.exec('UPDATE runs SET updated_at = updated_at - 86400000'));
  await bot.restart({ KEEP_RUNS: '12h' });
  const ana = playground.as('ana');
  await ana.press(answer, 'run:runAgain');
  const told = await playground.waitForEphemeral('ana', ({ channel }) => channel === answer.channel);
  expect(told.text).toContain('no longer kept');
  expect((await ana.slash('#kept', '/spark history')).text).toContain('Nothing has run');
});
