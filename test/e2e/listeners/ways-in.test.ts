import { expect, test } from 'vitest';
import { buttonsOf, fence, type Gateway, type Rig, shown, startRig, useRealRig } from './listeners-rig.ts';

let rig: Rig;
let gateway: Gateway;
useRealRig({ DEFAULT_LANGUAGE: 'python3' }, (started, itsGateway) => {
  rig = started;
  gateway = itsGateway;
});

test('a channel on auto runs messages that are only a code block, and stays silent about others', async () => {
  const { playground } = rig;
  playground.addChannel('auto');
  const ben = playground.as('ben');
  ben.post('#auto', fence('print("too early")'));
  expect(await ben.slash('#auto', '/spark auto on')).toMatchObject({ ok: true });
  ben.post('#auto', `look: ${fence('print("talk")')}`);
  ben.post('#auto', fence(''));
  const root = ben.post('#auto', fence('print(6 * 7)'));
  expect(shown(await rig.final('#auto', root.ts))).toContain('42');
  await ben.slash('#auto', '/spark auto off');
  ben.post('#auto', fence('print("too late")'));
  await playground.waitForMessage('#auto', ({ text }) => text.includes('turned auto-run off'));
  await playground.waitForQuiet();
  const said = playground.messages('#auto').filter(({ user }) => user === playground.bot.id);
  expect(said.filter(({ thread_ts: thread }) => thread !== undefined)).toHaveLength(1);
  // What `auto` did is everybody's business, so that it is said to the channel.
  const told = said.filter(({ thread_ts: thread }) => thread === undefined).map(({ text }) => text);
  const author = `<@${playground.user('ben').id}>`;
  expect(told).toEqual([
    expect.stringContaining(`${author} turned auto-run on`),
    expect.stringContaining(`${author} turned auto-run off`),
  ]);
  expect(await rig.bot.untilLog(({ audit }) => audit === 'auto')).toMatchObject({
    user: playground.user('ben').id,
    channel: root.channel,
    on: true,
  });
});

test('the editor refuses without losing what was typed, then runs it', async () => {
  const { playground } = rig;
  playground.addChannel('editor');
  const ana = playground.as('ana');
  expect(await ana.slash('#editor', '/spark')).toMatchObject({ ok: true });
  const modal = await playground.waitFor(() => ana.modal);
  const refused = await ana.submit(modal, { code0: '  \n ' });
  expect(refused.errors).toEqual({ code0: 'There is no code to run yet.' });
  expect(ana.modal?.values['code0']?.['code0']?.value).toBe('  \n ');
  const code = 'for i in range(2):\n\tprint("a & b <c>", i)\n';
  expect(await ana.submit(modal, { code0: code })).toMatchObject({ ok: true });
  const root = await playground.waitForMessage('#editor', ({ user }) => user === playground.bot.id);
  expect(shown(root)).toContain('a & b <c>');
  expect(shown(await rig.final('#editor', root.ts))).toContain('a & b <c> 1');
  expect(ana.modal).toBeUndefined();
});

test('the global shortcut asks for the channel too', async () => {
  const { playground } = rig;
  const channel = playground.addChannel('picked');
  const ana = playground.as('ana');
  await ana.globalShortcut('open_editor');
  const modal = await playground.waitFor(() => ana.modal);
  await ana.submit(modal, { channel: channel.id, code0: '1 + 1' });
  const root = await playground.waitForMessage('#picked', ({ user }) => user === playground.bot.id);
  expect(shown(await rig.final('#picked', root.ts))).toContain('2');
});

test('a channel that the bot is not in is refused in the editor, at the channel', async () => {
  const { playground } = rig;
  const ana = playground.as('ana');
  await ana.globalShortcut('open_editor');
  const modal = await playground.waitFor(() => ana.modal);
  const refused = await ana.submit(modal, { channel: playground.channel('#elsewhere').id, code0: '1' });
  expect(refused.errors).toEqual({ channel: expect.stringContaining('/invite') });
  await ana.close(modal);
});

test('a channel that one is not in is refused in the editor, which keeps what was typed', async () => {
  const { playground } = rig;
  const channel = playground.addChannel('others', { members: ['ben', 'sparkthread'] });
  const ana = playground.as('ana');
  await ana.globalShortcut('open_editor');
  const modal = await playground.waitFor(() => ana.modal);
  const refused = await ana.submit(modal, { channel: channel.id, code0: 'print("peek")' });
  expect(refused.errors).toEqual({ channel: expect.stringContaining('You are not in this channel') });
  expect(ana.modal?.values['code0']?.['code0']?.value).toBe('print("peek")');
  await ana.close(modal);
});

test('“Run this code” runs somebody else’s message into its thread', async () => {
  const { playground } = rig;
  playground.addChannel('shortcut');
  const message = playground.as('ben').post('#shortcut', fence('print("shared")', 'try this '));
  expect(await playground.as('ana').messageShortcut('run_message', message)).toMatchObject({ ok: true });
  const answer = await rig.final('#shortcut', message.ts);
  expect(shown(answer)).toContain('shared');
  expect(buttonsOf(answer)).toEqual(['run:runAgain', 'run:editAndRun', 'run:delete', 'run:menu']);
});

test('a message without code is refused to the person who chose the shortcut', async () => {
  const { playground } = rig;
  playground.addChannel('nocode');
  const message = playground.as('ben').upload('#nocode', { name: 'cat.png', content: Buffer.from([1, 2]) });
  await playground.as('ana').messageShortcut('run_message', message);
  const told = await playground.waitForEphemeral('ana', ({ channel }) => channel === message.channel);
  expect(told.text).toContain('no code');
});

test('files and snippets run: with a mention, in a direct message, several in order', async () => {
  const { playground } = rig;
  playground.addChannel('files');
  const ana = playground.as('ana');
  const code = 'x = "ß“\\u00e9”"\nprint(x)\n';
  const one = ana.upload('#files', { name: 'job.py', content: code }, '@sparkthread');
  expect(shown(await rig.final('#files', one.ts))).toContain('ß“é”');
  const snippet = ana.upload('@sparkthread', { name: 'Untitled', content: 'print(3*3)', snippet: 'python' });
  expect(shown(await rig.final(snippet.channel, snippet.ts))).toContain('9');
  const ignored = ana.upload('#files', { name: 'silent.py', content: 'print("unasked")' });
  const talk = ana.upload('#files', { name: 'more.py', content: 'print("more")' }, '@sparkthread please run');
  expect(shown(await rig.final('#files', talk.ts))).toContain('more');
  const both = ana.upload('#files', { name: 'b.py', content: 'print("file")' }, '@sparkthread `print(6*7)`');
  expect(shown(await rig.final('#files', both.ts))).toMatch(
    /42.*b\.py did not run: the code in the message did/s,
  );
  expect(playground.replies('#files', ignored.ts)).toEqual([]);
});

test('in a channel shared with another workspace, where that is allowed, files run although their event has only ids', async () => {
  await using open = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3', ALLOW_EXTERNAL: 'true' });
  const { playground } = open;
  const ana = playground.as('ana');
  const file = ana.upload('#partners', { name: 'job.py', content: 'print("sha" + "red")' }, '@sparkthread');
  expect(JSON.stringify(playground.deliveries.at(-1)?.body)).toContain('check_file_info');
  expect(shown(await open.final('#partners', file.ts))).toContain('shared');
  const picture = ana.upload(
    '#partners',
    { name: 'cat.png', content: Buffer.from([1, 2]) },
    '@sparkthread 6 * 7',
  );
  expect(shown(await open.final('#partners', picture.ts))).toContain('42');
  ana.upload('#partners', { name: 'lost.py', content: '1' }, '@sparkthread');
  playground.fail('files.info', { kind: 'error', error: 'file_not_found' }, 2);
  const told = await playground.waitForEphemeral('ana', ({ text }) => text.includes('could not be read'));
  expect(told.text).toContain('Slack does not show it to the bot. Nothing ran.');
  playground.clearFaults();
});

test('a file that is no text, or too long, is refused and changes nothing', async () => {
  const { playground } = rig;
  playground.addChannel('badfiles');
  const ana = playground.as('ana');
  const binary = ana.upload(
    '#badfiles',
    { name: 'job.py', content: Buffer.from([0xff, 0xfe, 0x41]) },
    '@sparkthread',
  );
  const here = binary.channel;
  const told = await playground.waitForEphemeral('ana', ({ channel }) => channel === here);
  expect(told.text).toContain('not UTF-8');
  ana.upload('#badfiles', { name: 'long.py', content: 'x'.repeat(9.5 * 2 ** 20) }, '@sparkthread');
  const long = await playground.waitForEphemeral(
    'ana',
    ({ channel, text }) => channel === here && text.includes('too long'),
  );
  expect(long.text).toMatch(/9\.96\d* MB, and a run may have 1 MB\. Nothing ran\./);
  expect(playground.messages('#badfiles').filter(({ user }) => user === playground.bot.id)).toEqual([]);
});
