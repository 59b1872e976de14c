import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Ephemeral } from '../../../playground/messages.ts';
import { type ScriptedGateway, startScriptedGateway } from '../../support/scripted-gateway.ts';
import { buttonsOf, type Rig, shown, startRig } from './listeners-rig.ts';

let gateway: ScriptedGateway;
let rig: Rig;

beforeAll(async () => {
  gateway = await startScriptedGateway();
  rig = await startRig(
    gateway,
    { DEFAULT_LANGUAGE: 'python3', LANGUAGES: 'scala=scala-spark' },
    { rates: false },
  );
  // Made before anybody is looked up, because the bot remembers for a while who is in which channel.
  rig.playground.addChannel('house');
  rig.playground.addChannel('open');
  rig.playground.addChannel('vault', { kind: 'private', members: ['ben', 'sparkthread'] });
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await gateway.close();
});

/** The private answer to a command. */
async function ask(user: string, channel: string, typed: string): Promise<Ephemeral> {
  const { playground } = rig;
  const before = playground.ephemerals(user).length;
  expect(await playground.as(user).slash(channel, typed)).toMatchObject({ ok: true });
  return await playground.waitFor(() => playground.ephemerals(user)[before]);
}

test('history shows the last runs of this channel with links to their answers', async () => {
  const { playground } = rig;
  playground.addChannel('past');
  expect((await ask('ben', '#past', '/spark history')).text).toContain('Nothing has run');
  await rig.slash('ana', '#past', '/spark elsewhere = 1'.replace('elsewhere', 'first'));
  const { root, answer } = await rig.slash('ben', '#past', '/spark use_of_`ticks` <b> & "x"');
  await rig.slash('ana', '#general', '/spark hidden = 1');
  const { text } = await ask('ben', '#past', '/spark history');
  const lines = text.split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[1]).toContain('use_of_ˋticksˋ &lt;b&gt; &amp; "x"');
  expect(lines[1]).toContain(
    `https://home.slack.com/archives/${answer.channel}/p${answer.ts.replace('.', '')}?thread_ts=${root.ts}&cid=${answer.channel}|Done`,
  );
  expect(text).not.toContain('hidden');
});

test('in a thread with answers !status is a command in a direct message and after a mention too', async () => {
  const { playground } = rig;
  playground.addChannel('bang');
  const ben = playground.as('ben');
  const direct = ben.post('@sparkthread', '1');
  await rig.final(direct.channel, direct.ts);
  ben.post('@sparkthread', '!status', { thread: direct.ts });
  await playground.waitForReply(direct.channel, direct.ts, ({ text }) => text.includes('nothing queued'));
  const { root } = await rig.slash('ben', '#bang', '/spark 1');
  ben.post('#bang', '@sparkthread !status', { thread: root.ts });
  const told = await playground.waitForEphemeral('ben', ({ channel }) => channel === root.channel);
  expect(told.text).toContain('nothing queued');
});

test('kernels lists all kernels to admins, and names a private channel only to its members', async () => {
  const { playground } = rig;
  await rig.slash('ben', '#vault', '/spark 1');
  await rig.slash('ben', '#open', '/spark 1');
  const dm = playground.as('ben').post('@sparkthread', '2');
  await rig.final(dm.channel, dm.ts);
  expect((await ask('ben', '#open', '/spark kernels')).text).toContain('Only admins may list kernels');
  const listed = await ask('ana', '#open', '/spark kernels');
  const all = shown(listed);
  expect(all).toContain(`<#${playground.channel('#open').id}>`);
  expect(all).not.toContain(playground.channel('#vault').id);
  expect(all).not.toContain(dm.channel);
  const privately = listed.text.split('\n').filter((line) => line.startsWith('private channel'));
  expect(privately).toHaveLength(2);
  for (const line of privately) expect(line).not.toContain('<@');
  expect(all).toContain('does not list kernels');
});

test('kernels shows other kernels of a gateway that lists them, without buttons', async () => {
  const other = { id: 'ffffffff-0000-4000-8000-000000000000', name: 'python3', execution_state: 'busy' };
  gateway.answer = (call) =>
    call.method === 'GET' && call.path === '/api/kernels' ? { status: 200, body: [other] } : undefined;
  const listed = await ask('ana', '#open', '/spark kernels');
  gateway.answer = () => undefined;
  expect(listed.text).toContain('Not Sparkthread’s, and left alone:* 1');
  expect(listed.text).toContain('`ffffffff` python3');
  expect(JSON.stringify(listed.blocks)).not.toContain('"value":"ffffffff');
});

test('a kernel’s button in the list works once, and its channel is told', async () => {
  const { playground, bot } = rig;
  playground.addChannel('listed');
  await rig.slash('ben', '#listed', '/spark 1');
  const listed = await ask('ana', '#general', '/spark kernels');
  const restarts = () => gateway.calls.filter(({ path }) => path.endsWith('/restart')).length;
  const before = restarts();
  const heard = playground.ephemerals('ana').length;
  const since = bot.log.length;
  const button = JSON.stringify(listed.blocks).match(/"value":"([^"]+)"/)?.[1] ?? '';
  await Promise.all([1, 2].map(() => playground.as('ana').press(listed, 'kernel:restart')));
  await playground.waitFor(() =>
    playground
      .ephemerals('ana')
      .slice(heard)
      .some(({ text }) => text.includes('Restarted')),
  );
  await playground.waitForQuiet();
  expect(restarts() - before).toBe(1);
  const told = await playground.waitForMessage('#listed', ({ text }) => text.includes('variables are gone'));
  expect(told.text).toContain(`<@${playground.user('ana').id}> restarted`);
  const audit = await bot.untilLog((line) => line['audit'] === 'restart', since);
  expect(audit).toMatchObject({ user: playground.user('ana').id, kernel: button.split('|')[0] });
});

test('a kernel’s button works again after the gateway failed', async () => {
  const { playground } = rig;
  playground.addChannel('failed');
  await rig.slash('ben', '#failed', '/spark 1');
  const listed = await ask('ana', '#failed', '/spark kernels');
  const ana = playground.as('ana');
  gateway.answer = (call) =>
    call.path.endsWith('/restart') ? { status: 503, body: 'upgrading' } : undefined;
  await ana.press(listed, 'kernel:restart');
  await playground.waitForEphemeral('ana', ({ text }) => text.includes('gateway cannot be reached'));
  gateway.answer = () => undefined;
  const heard = playground.ephemerals('ana').length;
  await ana.press(listed, 'kernel:restart');
  await playground.waitForMessage('#failed', ({ text }) => text.includes('variables are gone'));
  await playground.waitFor(() => playground.ephemerals('ana')[heard]);
});

test('restart #channel and shutdown by id work from elsewhere; unknown and closed ones are refused', async () => {
  const { playground } = rig;
  const far = playground.addChannel('far-away');
  await rig.slash('ben', '#vault', '/spark 1');
  await rig.slash('ben', '#far-away', '/spark 1');
  expect((await ask('ben', '#general', '/spark restart #far-away')).text).toContain('Only admins');
  expect((await ask('ana', '#general', '/spark restart #far-awai')).text).toContain('No channel');
  expect((await ask('ana', '#general', '/spark restart #vault')).text).toContain('No channel');
  const vault = playground.channel('#vault').id;
  expect((await ask('ana', '#general', `/spark shutdown ${vault}`)).text).toContain('No channel');
  expect((await ask('ana', '#general', '/spark restart #far-away')).text).toContain('Restarted');
  await playground.waitForMessage('#far-away', ({ text }) => text.includes('restarted the python3 kernel'));
  expect((await ask('ana', '#general', `/spark shutdown ${far.id}`)).text).toContain('Shut down');
  await playground.waitForMessage('#far-away', ({ text }) => text.includes('shut the python3 kernel down'));
  expect((await ask('ana', '#general', '/spark restart #far-away')).text).toContain('it has none');
});

test('a channel’s name means the channel that has this name now', async () => {
  const { playground } = rig;
  const before = playground.addChannel('renamed');
  await rig.slash('ben', before.id, '/spark 1');
  before.name = 'renamed-since';
  const now = playground.addChannel('renamed');
  await rig.slash('ben', now.id, '/spark 1');
  expect((await ask('ana', '#general', '/spark restart #renamed')).text).toContain('Restarted');
  await playground.waitForMessage(now.id, ({ text }) => text.includes('restarted the python3 kernel'));
  expect(playground.messages(before.id).filter(({ text }) => text.includes('restarted'))).toEqual([]);
});

test('the home tab shows the kernels of one’s channels and one’s last runs; a press there works as the command', async () => {
  const { playground } = rig;
  await rig.slash('ben', '#vault', '/spark 1');
  await rig.slash('ben', '#house', '/spark at_home = 1');
  const ben = playground.as('ben');
  ben.openHome();
  const home = await playground.waitFor(() => ben.home);
  const seen = JSON.stringify(home.draft.blocks);
  expect(seen).toContain(`<#${playground.channel('#house').id}>`);
  expect(seen).toContain(`<#${playground.channel('#vault').id}>`);
  expect(seen).toContain('at_home = 1');
  expect(seen).not.toContain('kernel:restart');
  const ana = playground.as('ana');
  ana.openHome();
  const admins = await playground.waitFor(() => ana.home);
  expect(JSON.stringify(admins.draft.blocks)).not.toContain(playground.channel('#vault').id);
  await ana.pressInView(admins, 'kernel:shutdown');
  await playground.waitFor(() => JSON.stringify(ana.home?.draft.blocks).includes('Shut down the '));
  await playground.waitForMessage('#house', ({ text }) => text.includes('shut the python3 kernel down'));
});

test('Switch asks the author, and a switch of a kernel that others used is for admins', async () => {
  const { playground } = rig;
  playground.addChannel('switch');
  await rig.slash('ana', '#switch', '/spark python3 1');
  await playground.as('ben').slash('#switch', '/spark scala 2');
  const bens = await playground.waitForMessage('#switch', ({ text }) =>
    text.includes('only an admin may replace it with scala-spark'),
  );
  expect(buttonsOf(bens)).toEqual(['run:cancel']);
  const meanwhile = await rig.slash('ana', '#switch', '/spark unnamed = 1');
  expect(shown(meanwhile.answer)).toContain('python3');
  await playground.as('oli').slash('#switch', '/spark scala 3');
  const asked = await playground.waitForMessage('#switch', ({ text }) =>
    text.includes('switch to scala-spark?'),
  );
  await playground.as('ben').press(asked, 'run:switch');
  const refused = await playground.waitForEphemeral('ben', ({ text }) =>
    text.includes('Only admins may replace'),
  );
  expect(refused.channel).toBe(asked.channel);
  await Promise.all([1, 2].map(() => playground.as('oli').press(asked, 'run:switch')));
  const told = await playground.waitForMessage('#switch', ({ text }) => text.includes('switched the kernel'));
  expect(told.text).toContain(playground.user('oli').id);
  const answer = await rig.final('#switch', asked.thread_ts ?? '');
  expect(shown(answer)).toContain('scala-spark');
  // His kernel has started.
  expect(shown(await rig.final('#switch', bens.thread_ts ?? ''))).toContain('scala-spark');
  expect(
    playground.messages('#switch').filter(({ text }) => text.includes('switched the kernel')),
  ).toHaveLength(1);
  const later = await rig.slash('ana', '#switch', '/spark unnamed = 2');
  expect(shown(later.answer)).toContain('scala-spark');
});

test('where anybody may restart, one may also name one’s own channel, but no other', async () => {
  await using open = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3', RESTART_BY: 'anyone' });
  const { playground } = open;
  await open.slash('ben', '#data', '/spark 1');
  await playground.as('ben').slash('#data', '/spark restart #data');
  await playground.waitForMessage('#data', ({ text }) => text.includes('restarted the python3 kernel'));
  const told = playground.ephemerals('ben').length;
  await playground.as('ben').slash('#general', '/spark restart #data');
  const refused = await playground.waitFor(() => playground.ephemerals('ben')[told]);
  expect(refused.text).toContain('Only admins may act on another');
});

test('a restart that was asked for in a thread is announced in the channel, not only in that thread', async () => {
  const { playground } = rig;
  playground.addChannel('from-a-thread');
  const { root } = await rig.slash('ana', '#from-a-thread', '/spark 1');
  playground.as('ana').post('#from-a-thread', '!restart', { thread: root.ts });
  const told = await playground.waitForMessage('#from-a-thread', ({ text }) =>
    text.includes('restarted the python3 kernel'),
  );
  expect(told.thread_ts).toBeUndefined();
  await playground.waitForEphemeral('ana', ({ text, thread_ts: thread }) => {
    return thread === root.ts && text.startsWith('Restarted the python3 kernel');
  });
});

test.each([{ kind: 'status', status: 503 } as const, { kind: 'dropped' } as const])(
  'the answer to a command comes once, also if its response_url fails: %o',
  async (fault) => {
    const { playground } = rig;
    playground.fail('response', fault);
    expect((await ask('ben', '#open', '/spark languages')).text).toContain('Available languages');
    await playground.waitForQuiet();
    expect(playground.callsOf('chat.postEphemeral').at(-1)?.args['text']).toContain('Available languages');
  },
);
