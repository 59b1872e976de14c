import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { renderThreadAsText } from '../../playground/render-text.ts';
import { ended, runView, startRig } from './answers-rig.ts';

test('a quick run costs one post, which is final', async () => {
  await using rig = await startRig();
  const { message, channel, thread, posted } = rig.open();
  const transcript = await rig.transcript();
  await transcript.add({ kind: 'result', data: { 'text/plain': '10' }, metadata: {} });
  await transcript.seal();
  const delivery = await message.finish(
    runView(ended(), transcript.view(), { actions: ['runAgain', 'delete'] }),
  );

  const [reply, ...more] = rig.playground.replies(channel, thread);
  expect(more).toEqual([]);
  expect(delivery).toEqual({ delivered: true, messageTs: reply?.ts, files: [], replies: [] });
  expect(posted).toEqual([reply?.ts]);
  expect(reply?.metadata).toEqual({
    event_type: 'sparkthread_answer',
    event_payload: { run: 'run-1', state: 'final', outcome: 'ok' },
  });
  expect(rig.playground.calls.map((call) => call.method)).toEqual(['chat.postMessage']);
  expect(renderThreadAsText(rig.playground, channel, thread)).toContain('Done · 0.05 s · In [3] · python3');
});

test('a long run is posted after 400 ms, edited while it runs and at its end', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await rig.transcript();
  const running = { kind: 'running' as const, sinceMs: Date.now(), stopping: false, stopIgnored: false };
  message.show(runView(running, transcript.view(), { actions: ['stop'] }));
  const live = await rig.playground.waitForReply(channel, thread, (reply) => reply.text.includes('Running'));
  const shownTs = live.ts;
  await transcript.add({ kind: 'stream', name: 'stdout', text: 'step 1\nstep 2\n' });
  message.show(runView(running, transcript.view(), { actions: ['stop'] }));
  await rig.playground.waitForReply(channel, thread, (reply) => reply.text.includes('step 2'));
  await transcript.add({
    kind: 'error',
    name: 'ZeroDivisionError',
    value: 'division by zero',
    traceback: [],
  });
  await transcript.seal();
  const delivery = await message.finish(runView(ended({ kind: 'raised' }), transcript.view()));

  expect(delivery).toEqual({ delivered: true, messageTs: shownTs, files: [], replies: [] });
  expect(rig.playground.replies(channel, thread)).toHaveLength(1);
  const text = renderThreadAsText(rig.playground, channel, thread);
  expect(text).toMatch(/step 1[^]+step 2[^]+ZeroDivisionError: division by zero[^]+Error · 0.05 s/);
});

test('output that does not fit is cut in the middle and attached whole', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await rig.transcript();
  const text = Array.from({ length: 30_000 }, (_, n) => `line ${n} <!channel> & \`\`\` 😀\r\n`).join('');
  await transcript.add({ kind: 'stream', name: 'stdout', text });
  await transcript.seal();
  const view = transcript.view();
  await message.finish(runView(ended(), view));

  const [reply] = rig.playground.replies(channel, thread);
  expect(JSON.stringify(reply?.blocks)).toContain('line 0 <!channel>');
  expect(JSON.stringify(reply?.blocks)).toContain('line 29999 <!channel>');
  expect(JSON.stringify(reply?.blocks)).toMatch(/… [\d,]+ lines hidden, all in output.txt …/);
  const [file] = rig.playground.files;
  expect(file?.file.name).toBe('output.txt');
  expect(Buffer.from(file?.bytes ?? []).equals(Buffer.from(text))).toBe(true);
  expect(await readFile(view.spoolPath ?? '', 'utf8')).toBe(text);
});

test('a run that ends while its first post is on the way is not posted twice, and edited once at most', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const held = rig.playground.hold('chat.postMessage');
  message.show(runView({ kind: 'running', sinceMs: Date.now(), stopping: false, stopIgnored: false }));
  await held.reached;
  const finishing = message.finish(runView(ended()));
  held.release();
  await finishing;
  expect(rig.playground.replies(channel, thread)).toHaveLength(1);
  expect(rig.playground.calls.map((call) => call.method)).toEqual(['chat.postMessage', 'chat.update']);
  await message.finish(runView(ended()));
  expect(rig.playground.callsOf('chat.update')).toHaveLength(1);
});

test('a run that prints nothing for long shows a moving clock and what the gateway says', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const sinceMs = Date.now() - 30_000;
  const running = { kind: 'running' as const, sinceMs, stopping: false, stopIgnored: false };
  message.show(runView(running));
  const clockOf = (text: string) => Number(/Running, (\d+) s/.exec(text)?.[1]);
  const live = await rig.playground.waitForReply(channel, thread, ({ text }) => clockOf(text) >= 30);
  const first = clockOf(live.text);
  // nothing is shown from here on
  await rig.playground.waitForReply(channel, thread, ({ text }) => clockOf(text) > first);
  message.show(runView({ ...running, quietMs: 60_000 }));
  await rig.playground.waitForReply(channel, thread, ({ text }) => text.includes('no output for 1 min'));
});

test('hostile output stays text: no ping, no link, no broken block, and the file holds every byte', async () => {
  await using rig = await startRig();
  const hostile =
    '<!channel> <!here> <@U123> <#C1> <https://evil.example|bank> https://plain.example @everyone\n' +
    '```\n*bold* ~x~ `y` :smile:\n```\n\u200b\u2060\ufeff\u202egnp.exe\u202c \ud800 lone \udc00 nul \u0000 bell \u0007 \u001b]8;;https://evil.example\u0007link\u001b]8;;\u0007\n';
  for (const [number, padding] of ['', 'x'.repeat(10_000_000)].entries()) {
    const { message, channel, thread } = rig.open({ runId: `run-${number}` });
    const transcript = await rig.transcript(`run-${number}`);
    await transcript.add({ kind: 'stream', name: 'stdout', text: hostile + padding });
    await transcript.add({ kind: 'result', data: { 'text/plain': hostile }, metadata: {} });
    await transcript.add({
      kind: 'error',
      name: 'ValueError',
      value: hostile,
      traceback: [hostile],
    });
    await transcript.seal();
    const delivery = await message.finish({
      ...runView(ended({ kind: 'raised', detail: hostile }), transcript.view(), { notes: [hostile] }),
      runId: `run-${number}`,
    });
    expect(delivery.delivered).toBe(true);
    const [reply] = rig.playground.replies(channel, thread);
    const blocks = JSON.stringify(reply?.blocks);
    expect(blocks).toContain('<!channel>');
    expect(blocks).not.toMatch(/"type":"(link|user|usergroup|channel|broadcast|emoji|mrkdwn)"/);
    expect(reply?.text).not.toMatch(/[<>]/);
    const file = rig.playground.files.find(({ file: { name } }) => name === 'output.txt');
    if (padding !== '') expect(file?.bytes.equals(Buffer.from(hostile + padding))).toBe(true);
  }
  expect(rig.playground.calls.filter(({ status }) => status !== 200)).toEqual([]);
});
