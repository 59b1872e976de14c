import { expect, test } from 'vitest';
import type { Fault } from '../../playground/faults.ts';
import { ended, runView, startRig, type AnswersRig } from './answers-rig.ts';

const running = () => runView({ kind: 'running', sinceMs: Date.now(), stopping: false, stopIgnored: false });

async function printed(rig: AnswersRig, text: string) {
  const transcript = await rig.transcript();
  await transcript.add({ kind: 'stream', name: 'stdout', text });
  await transcript.seal();
  return transcript.view();
}

test.concurrent.each<[string, Fault, number]>([
  ['429', { kind: 'rateLimited', retryAfterS: 1 }, 1],
  ['HTTP 500 before anything was done', { kind: 'status', status: 500 }, 2],
  ['an internal error', { kind: 'error', error: 'internal_error' }, 1],
  ['a connection cut before anything was done', { kind: 'dropped' }, 1],
  ['a reply lost after the post was made', { kind: 'replyLost' }, 1],
])('%s on the post: one answer stands in the end', async (_, fault, times) => {
  await using rig = await startRig();
  rig.playground.fail('chat.postMessage', fault, times);
  const { message, channel, thread, posted } = rig.open();
  const delivery = await message.finish(runView(ended(), await printed(rig, 'hello\n')));
  const replies = rig.playground.replies(channel, thread);
  expect(replies).toHaveLength(1);
  expect(JSON.stringify(replies[0]?.blocks)).toContain('hello');
  expect(delivery).toMatchObject({ delivered: true, messageTs: replies[0]?.ts });
  expect(posted).toEqual([replies[0]?.ts]);
});

test.concurrent('a post that times out after it was made is found, not repeated', async () => {
  await using rig = await startRig({ messages: { timeoutMs: 300 } });
  rig.playground.fail('chat.postMessage', { kind: 'replyLate', delayMs: 1500 });
  const { message, channel, thread } = rig.open();
  await message.finish(runView(ended(), await printed(rig, 'hello\n')));
  expect(rig.playground.replies(channel, thread)).toHaveLength(1);
  expect(rig.playground.callsOf('chat.postMessage')).toHaveLength(1);
});

test.concurrent('an answer that was deleted while it ran is posted again', async () => {
  await using rig = await startRig();
  const { message, channel, thread, posted } = rig.open();
  message.show(running());
  await rig.playground.waitForReply(channel, thread, (reply) => reply.text.includes('Running'));
  rig.playground.fail('chat.update', { kind: 'error', error: 'message_not_found' });
  const delivery = await message.finish(runView(ended(), await printed(rig, 'hello\n')));
  expect(posted).toHaveLength(2);
  expect(delivery).toMatchObject({ delivered: true, messageTs: posted[1] });
});

test.concurrent.each(['msg_too_long', 'msg_blocks_too_long', 'invalid_blocks'])(
  '%s: a smaller picture is shown',
  async (error) => {
    await using rig = await startRig();
    rig.playground.fail('chat.postMessage', { kind: 'error', error });
    const { message, channel, thread } = rig.open();
    const text = Array.from({ length: 80 }, (_, n) => `line ${n} ${'x'.repeat(60)}`).join('\n');
    const delivery = await message.finish(runView(ended(), await printed(rig, text)));
    expect(delivery.delivered).toBe(true);
    const [reply] = rig.playground.replies(channel, thread);
    expect(JSON.stringify(reply?.blocks).length).toBeLessThan(text.length / 2);
    expect(rig.playground.files.map(({ file }) => file.name)).toEqual(['output.txt']);
  },
);

test.concurrent('an upload that does not appear is repeated; the first one, which may only be slow, is deleted', async () => {
  await using rig = await startRig();
  rig.playground.loseShares();
  const { message } = rig.open();
  const delivery = await message.finish(runView(ended(), await printed(rig, 'long line\n'.repeat(5000))));
  expect(rig.playground.callsOf('files.completeUploadExternal')).toHaveLength(2);
  expect(delivery).toMatchObject({ delivered: true, files: [expect.any(String)] });
  expect(rig.playground.files).toHaveLength(1);
});

test.concurrent('a file that cannot be attached is said in the answer', async () => {
  await using rig = await startRig();
  rig.playground.fail('files.getUploadURLExternal', { kind: 'error', error: 'file_uploads_disabled' }, 9);
  const { message, channel, thread } = rig.open();
  const delivery = await message.finish(runView(ended(), await printed(rig, 'long line\n'.repeat(5000))));
  expect(delivery).toMatchObject({ delivered: true, files: [] });
  const [reply] = rig.playground.replies(channel, thread);
  expect(reply?.text).toContain('output.txt could not be attached (file_uploads_disabled)');
  expect(JSON.stringify(reply)).not.toContain('all in output.txt');
  expect(reply?.text).toMatch(/… [\d,]+ lines hidden …/);
});

test.concurrent('an archived channel: the requester is told privately', async () => {
  await using rig = await startRig();
  const { message } = rig.open();
  rig.playground.archive('#data');
  const delivery = await message.finish(runView(ended(), await printed(rig, 'hello\n')));
  expect(delivery).toEqual({ delivered: false, reason: 'is_archived', isRefused: true });
  const told = rig.playground.messages(rig.playground.dm('ana').id);
  expect(told.map(({ text }) => text).join()).toMatch(/could not be posted there \(is_archived\)[^]*hello/);
});

test.concurrent('a bot that was removed from the channel: the requester is told privately', async () => {
  await using rig = await startRig();
  const { message } = rig.open();
  rig.playground.kick('#data');
  const delivery = await message.finish(runView(ended(), await printed(rig, 'hello\n')));
  expect(delivery).toEqual({ delivered: false, reason: 'not_in_channel', isRefused: true });
  const told = rig.playground.messages(rig.playground.dm('ana').id);
  expect(told.map(({ text }) => text).join()).toContain('hello');
});

test.concurrent('after a crash the existing answer is found and edited', async () => {
  await using rig = await startRig();
  const first = rig.open();
  first.message.show(running());
  await rig.playground.waitForReply(first.channel, first.thread, (reply) => reply.text.includes('Running'));
  const { ts } = rig.playground.replies(first.channel, first.thread)[0] ?? {};
  const posted: string[] = [];
  const onPosted = (each: string) => posted.push(each);
  const again = rig.open({ thread: first.thread, recovered: true, onPosted });
  await again.message.finish(runView(ended(), await printed(rig, 'hello\n')));
  expect(posted).toEqual([ts]);
  expect(rig.playground.replies(first.channel, first.thread)).toHaveLength(1);
});

test.concurrent('a 429 on an edit delays no post and no other call', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  message.show(running());
  await rig.playground.waitForReply(channel, thread, (reply) => reply.text.includes('Running'));
  // Longer than a machine at work elsewhere takes for the other post.
  rig.playground.fail('chat.update', { kind: 'rateLimited', retryAfterS: 5 });
  const limited = message.finish(runView(ended(), await printed(rig, 'hello\n')));
  await rig.playground.waitFor((playground) =>
    playground.callsOf('chat.update').length > 0 ? true : undefined,
  );
  const other = rig.open({ runId: 'run-2', channel: '#general' });
  await other.message.finish({ ...runView(ended()), runId: 'run-2' });
  const post = rig.playground.callsOf('chat.postMessage').at(-1);
  const edits = rig.playground.callsOf('chat.update');
  expect(edits).toHaveLength(1);
  expect(post?.startedAtMs).toBeGreaterThan(edits[0]?.startedAtMs ?? Infinity);
  expect(await limited).toMatchObject({ delivered: true });
});

test.concurrent('a file that grows while it is sent is attached as it was', async () => {
  await using rig = await startRig();
  const { message } = rig.open();
  const transcript = await rig.transcript();
  const text = 'a line of text\n'.repeat(20_000);
  await transcript.add({ kind: 'stream', name: 'stdout', text });
  await transcript.seal();
  const held = rig.playground.hold('files.getUploadURLExternal');
  const finishing = message.finish(runView(ended(), transcript.view()));
  await held.reached;
  await transcript.add({ kind: 'stream', name: 'stdout', text: 'late\n' });
  await transcript.seal();
  held.release();
  expect(await finishing).toMatchObject({ delivered: true, files: [expect.any(String)] });
  expect(rig.playground.files.map(({ bytes }) => bytes.toString() === text)).toEqual([true]);
});

test.concurrent('a picture that is replaced before it is sent counts as missing until the new one is shown', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await rig.transcript();
  const picture = { data: { 'image/png': 'iVBORw0KGgo=' }, metadata: {}, displayId: 'plot' };
  await transcript.add({ kind: 'display', ...picture });
  await transcript.seal();
  const view = transcript.view();
  await transcript.add({ kind: 'updateDisplay', ...picture });
  // The next snapshot deletes replaced output from the disk.
  await transcript.seal();
  await message.finish(runView(ended(), view));
  const [reply] = rig.playground.replies(channel, thread);
  expect(reply?.text).toContain('image.png could not be attached (its output was replaced meanwhile).');
  expect(rig.playground.callsOf('files.getUploadURLExternal')).toEqual([]);
  expect(await message.finish(runView(ended(), transcript.view()))).toMatchObject({ files: { length: 1 } });
  expect(rig.playground.replies(channel, thread)[0]?.text).not.toContain('could not be attached');
});

test.concurrent('while late output comes no file is attached, and the answer names none that is not up to date', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await rig.transcript();
  await transcript.add({ kind: 'stream', name: 'stdout', text: 'early\n'.repeat(3_000) });
  await transcript.seal();
  await message.finish(runView(ended(), transcript.view()));
  await transcript.add({ kind: 'stream', name: 'stdout', text: 'late\n' });
  await transcript.seal();
  const [answer] = rig.playground.replies(channel, thread);
  expect(answer?.text).toContain('lines hidden, all in output.txt');
  await message.finish({ ...runView(ended(), transcript.view()), filesFollow: true });
  expect(answer?.text).toMatch(/lines hidden …[^]*late/);
  expect(rig.playground.callsOf('files.completeUploadExternal')).toHaveLength(1);
  expect(await message.finish(runView(ended(), transcript.view()))).toMatchObject({ files: { length: 1 } });
  expect(answer?.text).toMatch(/lines hidden, all in output.txt …[^]*late/);
  expect(rig.playground.files.map(({ bytes }) => bytes.toString().endsWith('late\n'))).toEqual([true]);
});

test.concurrent('late output edits the answer and adds only the new file', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await rig.transcript();
  await transcript.add({ kind: 'stream', name: 'stdout', text: 'early\n' });
  await transcript.seal();
  await message.finish(runView(ended(), transcript.view()));
  await transcript.add({ kind: 'stream', name: 'stdout', text: 'late\n' });
  await transcript.seal();
  await message.finish(runView(ended(), transcript.view()));
  const replies = rig.playground.replies(channel, thread);
  expect(replies).toHaveLength(1);
  expect(replies[0]?.text).toMatch(/early\nlate/);
});

test.concurrent('late output replaces the file with the whole text, and the table’s CSV, in the thread', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await rig.transcript();
  const show = async (rows: number): Promise<unknown> => {
    const cells = Array.from({ length: rows }, (_, row) => `<tr><td>${row}</td></tr>`).join('');
    const table = { 'text/html': `<table><tr><th>a</th></tr>${cells}</table>` };
    const kind = rows === 300 ? 'display' : 'updateDisplay';
    await transcript.add({ kind, displayId: 't', data: table, metadata: {} });
    await transcript.add({ kind: 'stream', name: 'stdout', text: 'a line\n'.repeat(rows) });
    await transcript.seal();
    const { files } = (await message.finish(runView(ended(), transcript.view()))) as { files: string[] };
    return files;
  };
  await show(300);
  await show(301);
  const last = await show(302);
  const stored = rig.playground.files;
  expect(stored.map(({ file }) => file.id).toSorted()).toEqual(last);
  expect(stored.map(({ file }) => file.name)).toEqual(['table.csv', 'output.txt']);
  expect(stored.map(({ bytes }) => bytes.toString().trim().split('\n').length)).toEqual([303, 903]);
  const attached = rig.playground.replies(channel, thread).flatMap(({ files = [] }) => files);
  expect(attached).toMatchObject([{ name: 'table.csv' }, { name: 'output.txt' }]);
});

test.concurrent('a file that somebody has deleted does not stop later ones from being replaced', async () => {
  await using rig = await startRig();
  const { message } = rig.open();
  const transcript = await rig.transcript();
  const show = async (): Promise<string | undefined> => {
    await transcript.add({ kind: 'stream', name: 'stdout', text: 'a line\n'.repeat(300) });
    await transcript.seal();
    const result = await message.finish(runView(ended(), transcript.view()));
    return 'files' in result ? result.files?.at(-1) : undefined;
  };
  const deleted = await show();
  rig.playground.fail('files.delete', { kind: 'error', error: 'file_deleted' });
  await show();
  const last = await show();
  expect(rig.playground.files.map(({ file }) => file.id)).toEqual([deleted, last]);
});

test.concurrent('late output does not attach a traceback once more that has not changed', async () => {
  await using rig = await startRig();
  const { message } = rig.open();
  const transcript = await rig.transcript();
  const traceback = Array.from({ length: 50 }, (_, line) => `frame ${line}`);
  await transcript.add({ kind: 'error', name: 'ValueError', value: 'bad', traceback });
  await transcript.seal();
  await message.finish(runView(ended(), transcript.view()));
  await transcript.add({ kind: 'stream', name: 'stdout', text: 'late\n' });
  await transcript.seal();
  await message.finish(runView(ended(), transcript.view()));
  expect(rig.playground.files.map(({ file }) => file.name)).toEqual(['traceback.txt']);
});

test.concurrent('a table that a later run updates is changed where it is', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await rig.transcript();
  const add = async (kind: 'display' | 'updateDisplay', value: string) => {
    const html = `<table><tr><th>a</th></tr><tr><td>${value}</td></tr></table>`;
    await transcript.add({
      kind,
      displayId: 't',
      data: { 'text/html': html, 'text/plain': value },
      metadata: {},
    });
    await transcript.seal();
    return await message.finish(runView(ended(), transcript.view()));
  };
  expect(await add('display', 'before')).toMatchObject({ replies: { length: 1 } });
  expect(await add('updateDisplay', 'after')).toMatchObject({ replies: { length: 1 } });
  const tables = rig.playground.replies(channel, thread).slice(1);
  expect(tables.map(({ blocks }) => /before|after/.exec(JSON.stringify(blocks))?.[0])).toEqual(['after']);
});

test.concurrent('what late output has replaced does not stay in the thread', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await rig.transcript();
  const seal = async () => {
    await transcript.seal();
    return await message.finish(runView(ended(), transcript.view()));
  };
  const picture = (n: number) => ({
    'image/png': Buffer.from(`\u0089PNG\r\n\u001a\n${n}`, 'latin1').toString('base64'),
  });
  const show = async (kind: 'display' | 'updateDisplay', displayId: string, data: Record<string, string>) =>
    await transcript.add({ kind, displayId, data, metadata: {} });
  const table = { 'text/html': '<table><tr><th>a</th></tr><tr><td>1</td></tr></table>' };
  await show('display', 'plot', picture(1));
  await show('display', 'other', picture(2));
  await show('display', 'frame', table);
  await transcript.add({ kind: 'stream', name: 'stdout', text: 'line\n'.repeat(5000) });
  const first = await seal();
  expect(first).toMatchObject({ files: { length: 3 }, replies: { length: 1 } });
  const names = () =>
    rig.playground
      .replies(channel, thread)
      .flatMap(({ files = [] }) => files.map((file) => (file.mode === 'tombstone' ? '' : file.name)));

  await show('updateDisplay', 'plot', picture(3));
  await transcript.add({ kind: 'stream', name: 'stdout', text: 'late\n' });
  const second = await seal();
  expect(names().toSorted()).toEqual(['', 'image-1.png', 'image-2.png', 'output.txt']);
  const shownFiles = second.delivered ? (second.files ?? []) : [];
  const nameOf = (id: string) => rig.playground.files.find(({ file }) => file.id === id)?.file.name;
  expect(shownFiles.map(nameOf)).toEqual(['image-1.png', 'image-2.png', 'output.txt']);

  await show('updateDisplay', 'frame', { 'text/plain': 'no table' });
  expect(await seal()).toMatchObject({ files: shownFiles, replies: [] });
  await transcript.add({ kind: 'clear', wait: false });
  expect(await seal()).toMatchObject({ files: [], replies: [] });
  expect(rig.playground.replies(channel, thread)).toHaveLength(1);
});

test.concurrent('files are called what the message calls them, at two places and after late output, too', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await rig.transcript();
  const show = async (kind: 'display' | 'updateDisplay', displayId: string, html: string) =>
    await transcript.add({ kind, displayId, data: { 'text/html': html }, metadata: {} });
  const page = (n: number) => `<p>${n} <a href="http://a.example">there</a></p>`;
  const named = async () => {
    await transcript.seal();
    await message.finish(runView(ended(), transcript.view()));
    const [answer, ...beside] = rig.playground.replies(channel, thread);
    return {
      told: [...(answer?.text ?? '').matchAll(/output\S*\.html/g)].map(([name]) => name),
      attached: beside.flatMap(({ files = [] }) =>
        files.flatMap((file) => (file.mode === 'tombstone' ? [] : [file.name])),
      ),
    };
  };
  await show('display', 'first', page(1));
  for (let place = 0; place < 2; place += 1) await show('display', 'twice', page(2));
  await show('updateDisplay', 'twice', page(3));
  const names = ['output.html', 'output-2.html'];
  expect(await named()).toEqual({ told: names, attached: names });
  await show('updateDisplay', 'first', 'no page');
  expect(await named()).toEqual({ told: ['output.html'], attached: ['output.html'] });
});

test.concurrent('a release shows what is pending and leaves the rest to a successor', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  message.show(running());
  await message.release();
  const [reply] = rig.playground.replies(channel, thread);
  expect(reply?.metadata?.event_payload).toMatchObject({ state: 'live' });
});

test.concurrent('a stop while Slack is away leaves the end to a successor and tells nobody', async () => {
  await using rig = await startRig();
  rig.playground.fail('chat.postMessage', { kind: 'status', status: 503 }, 50);
  const { message } = rig.open();
  const finishing = message.finish(runView(ended(), await printed(rig, 'hello\n')));
  await rig.playground.waitFor((playground) =>
    playground.callsOf('chat.postMessage').length > 0 ? true : undefined,
  );
  await rig.messages.close();
  expect(await finishing).toEqual({ delivered: false, reason: 'the bot was stopped', isRefused: false });
  expect(rig.playground.messages(rig.playground.dm('ana').id)).toEqual([]);
});

test.concurrent('after a crash files and tables that are already there are not posted again', async () => {
  await using rig = await startRig();
  const first = rig.open();
  const transcript = await rig.transcript();
  const table = '<table><tr><th>a</th></tr><tr><td>1</td></tr></table>';
  await transcript.add({ kind: 'stream', name: 'stdout', text: 'long line\n'.repeat(5000) });
  await transcript.add({ kind: 'result', data: { 'text/html': table, 'text/plain': 'a\n1' }, metadata: {} });
  await transcript.seal();
  const done = await first.message.finish(runView(ended(), transcript.view()));
  const again = rig.open({ recovered: true, thread: first.thread });
  expect(await again.message.finish(runView(ended(), transcript.view()))).toEqual(done);
  expect(rig.playground.replies(first.channel, first.thread)).toHaveLength(3);
});
