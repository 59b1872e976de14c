import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { SlackMessage } from '../../../playground/messages.ts';
import { fence, type Rig, shown, useRealRig } from './listeners-rig.ts';

let rig: Rig;
useRealRig({ DEFAULT_LANGUAGE: 'python3' }, (started) => (rig = started));

const mention = (code: string): string => fence(code, '@sparkthread ');

test('an edited message runs again into the same answer; a preview or a change of other words runs nothing', async () => {
  const { playground } = rig;
  playground.addChannel('edit');
  const ana = playground.as('ana');
  const root = ana.post('#edit', mention('print("fist")'));
  const first = await rig.final('#edit', root.ts);
  playground.unfurl(root, 'https://example.org/');
  await playground.waitForQuiet();
  ana.edit(root, mention('print("first")'));
  const second = await rig.final('#edit', root.ts, (reply) => shown(reply).includes('edited, run 2'));
  expect(second.ts).toBe(first.ts);
  expect(shown(second)).toContain('first');
  ana.edit(root, `${mention('print("first")')} thanks!`);
  await playground.waitForQuiet();
  expect(playground.replies('#edit', root.ts)).toHaveLength(1);
  expect(
    rig.bot.log.filter((line) => line['audit'] === 'run' && line['channel'] === root.channel),
  ).toHaveLength(2);
});

test('words beside code whose language is named run nothing', async () => {
  const { playground } = rig;
  playground.addChannel('named');
  const ana = playground.as('ana');
  const root = ana.post('#named', fence('print("same")', '@sparkthread Py3 '));
  await rig.final('#named', root.ts);
  ana.edit(root, `${fence('print("same")', '@sparkthread Py3 ')} thanks!`);
  await playground.waitForQuiet();
  ana.edit(root, fence('print("new")', '@sparkthread Py3 '));
  const second = await rig.final('#named', root.ts, (reply) => shown(reply).includes('edited'));
  expect(shown(second)).toContain('edited, run 2');
  expect(
    rig.bot.log.filter((line) => line['audit'] === 'run' && line['channel'] === root.channel),
  ).toHaveLength(2);
});

test('an edit of a waiting run replaces it; after an edit of a running one, run 2 waits behind it, and that is said', async () => {
  const { playground } = rig;
  playground.addChannel('wait');
  const [ana, ben] = [playground.as('ana'), playground.as('ben')];
  const gate = `${rig.bot.folder}/gate`;
  const until = `import os, time\nwhile not os.path.exists("${gate}"): time.sleep(0.05)\nprint("open")`;
  const running = ana.post('#wait', mention(until));
  await playground.waitForReply('#wait', running.ts, (reply) => reply.text.includes('Running'));
  const waiting = ben.post('#wait', mention('print("old")'));
  await playground.waitForReply('#wait', waiting.ts, (reply) => reply.text.includes('Waiting'));
  ben.edit(waiting, mention('print("new")'));
  await playground.waitForQuiet();
  ana.edit(running, mention('print("again")'));
  await playground.waitForReply('#wait', running.ts, (reply) =>
    shown(reply).includes('run 2 with the new code waits'),
  );
  await writeFile(gate, '');
  const taken = await rig.final('#wait', waiting.ts);
  expect(shown(taken)).toContain('new');
  expect(shown(taken)).not.toContain('old');
  expect(shown(taken)).not.toContain('edited');
  const again = await rig.final('#wait', running.ts, (reply) => shown(reply).includes('edited, run 2'));
  expect(shown(again)).toContain('again');
  expect(playground.replies('#wait', running.ts)).toHaveLength(1);
});

test('run 2, stopped while run 1 goes on, has an answer of its own, and that of run 1 keeps its result; one more edit leaves one answer', async () => {
  const { playground } = rig;
  playground.addChannel('withdrawn');
  const ana = playground.as('ana');
  const gate = `${rig.bot.folder}/gate-2`;
  const until = `import os, time\nwhile not os.path.exists("${gate}"): time.sleep(0.05)\nprint("open")`;
  const root = ana.post('#withdrawn', mention(until));
  await playground.waitForReply('#withdrawn', root.ts, (reply) => reply.text.includes('Running'));
  ana.edit(root, mention('print("again")'));
  await playground.waitForReply('#withdrawn', root.ts, (reply) => shown(reply).includes('run 2'));
  ana.post('#withdrawn', '!stop', { thread: root.ts });
  const second = await rig.final('#withdrawn', root.ts);
  expect(shown(second)).toContain('It did not run.');
  await writeFile(gate, '');
  const first = await rig.final('#withdrawn', root.ts, (reply) => reply.ts !== second.ts);
  expect(shown(first)).toContain('open');
  expect(shown(first)).toContain('Run 2 was cancelled.');
  // While run 1 goes on, its message has no mark of an end.
  await playground.waitFor(() => root.reactions?.some(({ name }) => name === 'white_check_mark'));
  const marks = playground.callsOf('reactions.add').filter(({ args }) => args['timestamp'] === root.ts);
  expect(marks.map(({ args }) => args['name'])).toEqual(['white_check_mark']);
  ana.edit(root, mention('print("third")'));
  const third = await rig.final('#withdrawn', root.ts, (reply) => shown(reply).includes('third'));
  expect(third.ts).toBe(first.ts);
  const isAnswer = ({ user }: SlackMessage): boolean => user === playground.bot.id;
  await playground.waitFor(() => playground.replies('#withdrawn', root.ts).filter(isAnswer).length === 1);
});

test('a refused message, edited, is a new one', async () => {
  const { playground } = rig;
  playground.addChannel('refused');
  const ana = playground.as('ana');
  const root = ana.post(
    '#refused',
    mention('python3\nprint(1)').replace('@sparkthread', '@sparkthread pyhton3'),
  );
  const told = await playground.waitForEphemeral('ana', ({ channel }) => channel === root.channel);
  expect(told.text).toContain('python3');
  ana.edit(root, mention('print("mended")'));
  expect(shown(await rig.final('#refused', root.ts))).toContain('mended');
});

test('a message that was run by the shortcut, or that no longer mentions the bot, runs again after an edit', async () => {
  const { playground } = rig;
  playground.addChannel('uncalled');
  const ana = playground.as('ana');
  const bare = ana.post('#uncalled', 'print("one")');
  await ana.messageShortcut('run_message', bare);
  await rig.final('#uncalled', bare.ts);
  ana.edit(bare, 'print("two")');
  await rig.final('#uncalled', bare.ts, (reply) => shown(reply).includes('two'));
  const called = ana.post('#uncalled', mention('print("three")'));
  await rig.final('#uncalled', called.ts);
  ana.edit(called, fence('print("four")'));
  const second = await rig.final('#uncalled', called.ts, (reply) => shown(reply).includes('four'));
  expect(shown(second)).toContain('edited, run 2');
});

test('a code block that ran in a thread without a mention runs again after an edit, also if words are put beside it', async () => {
  const { playground } = rig;
  playground.addChannel('beside');
  const ana = playground.as('ana');
  const root = ana.post('#beside', mention('print("zero")'));
  await rig.final('#beside', root.ts);
  const block = ana.post('#beside', fence('print("alpha")'), { thread: root.ts });
  const first = await rig.final('#beside', root.ts, (reply) => shown(reply).includes('alpha'));
  ana.edit(block, fence('print("beta")', 'it is mended: '));
  const second = await rig.final('#beside', root.ts, (reply) => shown(reply).includes('beta'));
  expect(second.ts).toBe(first.ts);
  ana.edit(block, fence('print("delta")', 'Fixed:\n'));
  await rig.final('#beside', root.ts, (reply) => shown(reply).includes('delta'));
  // Inline code never ran here.
  ana.edit(block, 'never mind, compare `print("gamma")`');
  await playground.waitFor(() => !playground.replies('#beside', root.ts).some(({ ts }) => ts === first.ts));
});

test('only the author’s own edit counts', async () => {
  const { playground } = rig;
  playground.addChannel('others');
  const root = playground.as('ana').post('#others', mention('print("mine")'));
  await rig.final('#others', root.ts);
  playground.service.conversation.edit(root, playground.user('ben'), { text: '```print("his")```' });
  await playground.waitForQuiet();
  expect(
    rig.bot.log.filter((line) => line['audit'] === 'run' && line['channel'] === root.channel),
  ).toHaveLength(1);
});

test('deleting the message stops its run and removes the answer and the code', async () => {
  const { playground } = rig;
  playground.addChannel('delete');
  const ana = playground.as('ana');
  const root = ana.post('#delete', mention('import time\nprint("secret", flush=True)\ntime.sleep(600)'));
  await playground.waitForReply('#delete', root.ts, (reply) => shown(reply).includes('secret'));
  ana.delete(root);
  await playground.waitFor(() => playground.replies('#delete', root.ts).length === 0);
  const ended = await rig.bot.untilLog((line) => line['audit'] === 'run' && line['channel'] === root.channel);
  expect(ended['outcome']).toBe('interrupted');
  const next = ana.post('#delete', mention('print("next")'));
  expect(shown(await rig.final('#delete', next.ts))).toContain('next');
  const history = await ana.slash('#delete', '/spark history');
  expect(history.text).toContain('next');
  expect(history.text).not.toContain('secret');
  expect(playground.replies('#delete', root.ts)).toEqual([]);
});

test('deleting the message of a run that is over removes its answer', async () => {
  const { playground } = rig;
  playground.addChannel('over');
  const ana = playground.as('ana');
  const root = ana.post('#over', mention('print("done")'));
  await rig.final('#over', root.ts);
  ana.delete(root);
  await playground.waitFor(() => playground.replies('#over', root.ts).length === 0);
});

test('an edit that arrives after the deletion of its message runs nothing', async () => {
  const { playground } = rig;
  playground.addChannel('behind');
  const ana = playground.as('ana');
  const root = ana.post('#behind', mention('print("as posted")'));
  await rig.final('#behind', root.ts);
  ana.edit(root, mention('print("as edited")'));
  await rig.final('#behind', root.ts, (reply) => shown(reply).includes('edited, run 2'));
  const edit = playground.deliveries.findLast(
    ({ body }) => editSchema.safeParse(body).data?.event.message.ts === root.ts,
  );
  const body = editSchema.parse(edit?.body);
  ana.delete(root);
  await playground.waitFor(() => playground.replies('#behind', root.ts).length === 0);
  const { message } = body.event;
  const edited = { ...message.edited, ts: String(Number(message.edited.ts) + 1) };
  playground.service.deliveries.event('message', {
    ...body,
    event_id: 'Ev00BEHIND',
    event: { ...body.event, message: { ...message, edited } },
  });
  await playground.waitForQuiet();
  const next = ana.post('#behind', mention('print("next")'));
  await rig.final('#behind', next.ts);
  const ran = rig.bot.log.filter((line) => line['audit'] === 'run' && line['channel'] === root.channel);
  expect(ran).toHaveLength(3);
});

const editSchema = z.looseObject({
  event: z.looseObject({
    subtype: z.literal('message_changed'),
    message: z.looseObject({ ts: z.string(), edited: z.looseObject({ ts: z.string() }) }),
  }),
});

test('deleting the message before Slack has confirmed the answer’s post removes that answer', async () => {
  const { playground } = rig;
  playground.addChannel('owed');
  const ana = playground.as('ana');
  playground.fail('chat.postMessage', { kind: 'replyLate', delayMs: 5_000 });
  const root = ana.post('#owed', mention('import time\ntime.sleep(600)'));
  await playground.waitForReply('#owed', root.ts);
  ana.delete(root);
  await rig.bot.untilLog((line) => line['audit'] === 'run' && line['channel'] === root.channel);
  await playground.waitFor(() => playground.replies('#owed', root.ts).length === 0);
});

test('an edit that removes the code removes the answer; code that comes back is a new run', async () => {
  const { playground } = rig;
  playground.addChannel('emptied');
  const ana = playground.as('ana');
  for (const words of ['never mind', '@sparkthread']) {
    const root = ana.post('#emptied', mention('print("one")'));
    const answer = await rig.final('#emptied', root.ts);
    ana.edit(root, words);
    await playground.waitFor(() => !playground.messages('#emptied').some(({ ts }) => ts === answer.ts));
    ana.edit(root, mention('print("two")'));
    expect(shown(await rig.final('#emptied', root.ts))).toContain('two');
  }
});
