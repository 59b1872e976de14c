import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SlackMessage } from '../../../playground/messages.ts';
import { buttonsOf, fence, isFinal, type Rig, shown, startRig } from './doors-rig.ts';
import { startWordGateway } from './scripted-kernel.ts';

/** The table of docs/policy.md, held to what really happens at the doors. */

const page = await readFile(new URL('../../../docs/policy.md', import.meta.url), 'utf8');
const table = page
  .split('\n')
  .filter((line) => line.startsWith('|') && !line.startsWith('|---'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((text) => text.trim()),
  );
const [columns = [], ...rows] = table;

/** What the table says that a role may do: `yes`, `–`, or `①` (with RESTART_BY=anyone). */
function cell(action: string, role: string): string {
  const row = rows.find(([name]) => name?.startsWith(action));
  const said = row?.[columns.indexOf(role)];
  if (said === undefined) throw new Error(`docs/policy.md says nothing of ${action} for ${role}`);
  return said;
}

/** Who stands for each role; admins by their role in the workspace, by the list, by a group of the list. */
const people: Record<string, readonly string[]> = {
  member: ['ben'],
  admin: ['ana', 'oli', 'lia', 'gro'],
  guest: ['gus'],
  'other workspace': ['ext'],
};
const everybody = Object.entries(people).flatMap(([role, names]) =>
  names.map((name) => [name, role] as const),
);

let gateway: Awaited<ReturnType<typeof startWordGateway>>;
let rig: Rig;

beforeAll(async () => {
  gateway = await startWordGateway();
  rig = await startRig(
    gateway,
    (playground) => {
      for (const name of ['lia', 'gro', 'rob']) {
        playground.addUser(name);
        playground.invite('#data', name);
        playground.invite('#general', name);
      }
      const group = playground.addGroup('keepers', ['gro']);
      return { DEFAULT_LANGUAGE: 'python3', ADMINS: `${playground.user('lia').id},${group.id}` };
    },
    { rates: false },
  );
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
});

const refusal = /may not use|Only admins may|Only the one who ran/;

/** What the bot says next, to this person alone or in the channel. */
async function reaction(user: string, channel: string, act: () => unknown): Promise<string> {
  const { playground } = rig;
  const privately = playground.ephemerals(user).length;
  const seen = new Set(playground.messages(channel).map(({ ts }) => ts));
  await act();
  const said = await playground.waitFor(
    () =>
      playground.ephemerals(user)[privately] ??
      playground.messages(channel).find(({ ts, user: by }) => !seen.has(ts) && by === playground.bot.id),
  );
  return said.text;
}

const commands: readonly (readonly [action: string, typed: string])[] = [
  ['`help`', 'help'],
  ['`help`', 'languages'],
  ['`help`', 'status'],
  ['`help`', 'history'],
  ['`use`', 'use python3'],
  ['`use`', 'auto off'],
  ['`kernels`', 'kernels'],
  ['`restart`', 'restart'],
  ['`shutdown`', 'shutdown'],
  ['`restart #channel`', 'restart #general'],
  ['`restart #channel`', 'shutdown #general'],
];

describe.each(everybody)('%s (%s)', (user, role) => {
  test('commands, as slash commands and after a mention', async () => {
    for (const [action, typed] of commands) {
      const may = cell(action, role) === 'yes';
      // One of each role says it with a mention too.
      for (const way of user === people[role]?.[0] ? ['slash', 'mention'] : ['slash']) {
        const target = typed.endsWith('#general') ? '#general' : '#data';
        await ensureKernel(target);
        const text = await reaction(user, '#data', () =>
          way === 'slash'
            ? rig.playground.as(user).slash('#data', `/spark ${typed}`)
            : rig.playground.as(user).post('#data', `@sparkthread ${typed}`),
        );
        expect(refusal.test(text), `${way} ${typed}: ${text}`).toBe(!may);
        if (may && typed.startsWith('shutdown')) withKernel.delete(target);
        await rig.playground.waitForQuiet();
      }
    }
  });

  test('!status and !restart in a thread of the bot', async () => {
    const { root } = await rig.slash('rob', '#data', '/spark 1');
    for (const [action, typed] of [
      ['`help`', '!status'],
      ['`restart`', '!restart'],
    ] as const) {
      const text = await reaction(user, '#data', () =>
        rig.playground.as(user).post('#data', typed, { thread: root.ts }),
      );
      expect(refusal.test(text), text).toBe(cell(action, role) !== 'yes');
    }
  });

  test('the buttons of somebody else’s run', async () => {
    const { playground } = rig;
    const refusedTo = async (message: SlackMessage, button: string): Promise<string> =>
      await reaction(user, '#data', () => playground.as(user).press(message, button));

    const asking = await start('rob', 'ask');
    expect(cell('answer what somebody else', role)).toBe('–');
    expect(await refusedTo(asking, 'run:answerInput')).toMatch(refusal);
    await stopBy('rob', asking);

    const hanging = await start('rob', 'hang');
    if (cell('stop somebody else', role) === 'yes') await stopBy(user, hanging);
    else {
      expect(await refusedTo(hanging, 'run:stop')).toMatch(refusal);
      expect(isFinal(hanging)).toBe(false);
      await stopBy('rob', hanging);
    }

    const { answer } = await rig.slash('rob', '#data', '/spark 1');
    if (cell('delete somebody else', role) === 'yes') {
      await playground.as(user).press(answer, 'run:delete');
      await playground.waitFor(() => !playground.messages('#data').some(({ ts }) => ts === answer.ts));
    } else expect(await refusedTo(answer, 'run:delete')).toMatch(refusal);
  });

  test('code, and what is one’s own', async () => {
    const { playground } = rig;
    if (cell('run code', role) !== 'yes') return;
    const hanging = await start(user, 'hang');
    expect(cell('stop their own', role)).toBe('yes');
    await stopBy(user, hanging);
    expect(cell('delete their own', role)).toBe('yes');
    await playground.as(user).press(hanging, 'run:delete');
    await playground.waitFor(() => !playground.messages('#data').some(({ ts }) => ts === hanging.ts));
  });
});

const withKernel = new Set<string>();

/** A kernel to restart or to shut down. */
async function ensureKernel(channel: string): Promise<void> {
  if (!withKernel.has(channel)) await rig.slash('rob', channel, '/spark 1');
  withKernel.add(channel);
}

async function start(user: string, code: string): Promise<SlackMessage> {
  const { playground } = rig;
  const root = playground.as(user).post('#data', fence(code, '@sparkthread '));
  const button = code === 'ask' ? 'run:answerInput' : 'run:stop';
  return await playground.waitForReply(
    '#data',
    root.ts,
    (reply) => buttonsOf(reply).includes(button) && shown(reply).includes('begun'),
  );
}

async function stopBy(user: string, live: SlackMessage): Promise<void> {
  await rig.playground.as(user).press(live, 'run:stop');
  await rig.final('#data', live.thread_ts ?? '', ({ ts }) => ts === live.ts);
}

test('who may not run code runs none, by whatever door', async () => {
  const { playground, bot } = rig;
  const { root, answer } = await rig.slash('rob', '#data', '/spark 1');
  const others = playground.as('rob').post('#data', fence('2'));
  await playground.as('rob').slash('#data', '/spark auto on');
  for (const user of ['gus', 'ext']) {
    expect(cell('run code', user === 'gus' ? 'guest' : 'other workspace')).toBe('–');
    const person = playground.as(user);
    const told = async (act: () => unknown): Promise<void> =>
      expect(await reaction(user, '#data', act)).toMatch(refusal);
    await told(() => person.slash('#data', '/spark 1'));
    await told(() => person.slash('#data', '/spark'));
    await told(() => person.post('#data', fence('1', '@sparkthread ')));
    await told(() => person.upload('#data', { name: 'x.py', content: '1' }, '@sparkthread'));
    await told(() => person.messageShortcut('run_message', others));
    await told(() => person.press(answer, 'run:runAgain'));
    await told(() => person.press(answer, 'run:editAndRun'));
    const edited = person.post('#data', fence('1', '@sparkthread '));
    await playground.waitForQuiet();
    await told(() => person.edit(edited, fence('2', '@sparkthread ')));
    // Where the bot is not addressed it says nothing.
    person.post('#data', fence('1'));
    person.post('#data', fence('1'), { thread: root.ts });
    expect(person.modal).toBeUndefined();
  }
  expect(cell('run code', 'bot')).toBe('–');
  playground.as('deploybot').post('#data', fence('1', '@sparkthread '));
  playground.as('deploybot').post('#data', fence('1'), { thread: root.ts });
  await playground.waitForQuiet();
  await rig.slash('rob', '#data', '/spark "the last"');
  const runners = new Set(bot.log.filter(({ audit }) => audit === 'run').map(({ user }) => user));
  for (const user of ['gus', 'ext', 'deploybot']) expect(runners).not.toContain(playground.user(user).id);
  await playground.as('rob').slash('#data', '/spark auto off');
});

test('the settings open what they say', async () => {
  const { playground, bot } = rig;
  await bot.stop();
  await bot.restart({
    RESTART_BY: 'anyone',
    ALLOW_GUESTS: 'true',
    ALLOW_EXTERNAL: 'true',
    ALLOWED_BOTS: playground.user('deploybot').id,
  });
  for (const user of ['gus', 'ext', 'ben']) await rig.slash(user, '#data', '/spark 1');
  const root = playground.as('deploybot').post('#data', fence('1', '@sparkthread '));
  await rig.final('#data', root.ts);
  expect(cell('`restart`', 'member')).toBe('①');
  await playground.as('ben').slash('#data', '/spark restart');
  await playground.waitForMessage('#data', ({ text }) =>
    text.startsWith(`<@${playground.user('ben').id}> restarted`),
  );
  expect(await reaction('ext', '#data', () => playground.as('ext').slash('#data', '/spark kernels'))).toMatch(
    refusal,
  );
});

test('ALLOWED_USERS and ALLOWED_CHANNELS narrow who may, by group too', async () => {
  const { playground, bot } = rig;
  const group = playground.addGroup('runners', ['ben']);
  await bot.stop();
  await bot.restart({
    ALLOWED_USERS: `${group.id},${playground.user('ana').id}`,
    ALLOWED_CHANNELS: playground.channel('#data').id,
  });
  await rig.slash('ben', '#data', '/spark 1');
  await rig.slash('ana', '#data', '/spark 1');
  expect(await reaction('rob', '#data', () => playground.as('rob').slash('#data', '/spark 1'))).toContain(
    'ALLOWED_USERS',
  );
  expect(
    await reaction('ana', '#general', () => playground.as('ana').slash('#general', '/spark 1')),
  ).toContain('ALLOWED_CHANNELS');
});
