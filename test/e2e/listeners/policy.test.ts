import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Playground } from '../../../playground/playground.ts';
import { actions } from '../../../src/slack/auth/policy.ts';
import { ageKernels, fence, type Rig, startRig } from './listeners-rig.ts';
import { deeds } from './policy-deeds.ts';
import { asks, type Deed, elsewhere, type Scene, setScene } from './policy-scene.ts';
import { startWordGateway, type WordGateway } from './scripted-kernel.ts';

/** Compares the table of docs/policy.md with what really happens at every source, command and button. */

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

/** What the table says that a role may do: `yes`, `–`, or `①` (with RESTART_BY=anyone). Rows stand in the order of `actions`. */
function cell(action: (typeof actions)[number], role: string): string {
  const said = rows[actions.indexOf(action)]?.[columns.indexOf(role)];
  if (said === undefined) throw new Error(`docs/policy.md says nothing of ${action} for ${role}`);
  return said;
}

/** The person who has each role. */
const people = [
  ['ben', 'member'],
  ['ana', 'admin'],
  ['gus', 'guest'],
  ['ext', 'other workspace'],
] as const;

/** Admins by ADMINS and not by their role in the workspace: one by name, one by a group. */
const listed = ['lia', 'gro'] as const;

/** A second round with settings that let everybody in: what a member may, and what ① stands for. */
const opened = ['ben', 'gus', 'ext'] as const;
const openings = { RESTART_BY: 'anyone', ALLOW_GUESTS: 'true', ALLOW_EXTERNAL: 'true' };
const closings = {
  RESTART_BY: 'admins',
  ALLOW_GUESTS: 'false',
  ALLOW_EXTERNAL: 'false',
  ALLOWED_BOTS: '',
  ALLOWED_USERS: '',
  ALLOWED_CHANNELS: '',
};

let gateway: WordGateway;
let rig: Rig;
/** Slack accepts 50 edits a minute in a workspace, so strangers have a workspace of their own. */
let abroad: Rig;
const scenes = new Map<string, Scene>();

function sceneOf(name: string): Scene {
  const scene = scenes.get(name);
  if (scene === undefined) throw new Error(`no scene ${name}`);
  return scene;
}

async function startPolicyRig(): Promise<Rig> {
  const settings = (playground: Playground): Record<string, string> => {
    for (const name of ['lia', 'gro', 'rob']) playground.addUser(name);
    const group = playground.addGroup('keepers', ['gro']);
    return {
      DEFAULT_LANGUAGE: 'python3',
      LANGUAGES: 'scala=scala-spark',
      ADMINS: `${playground.user('lia').id},${group.id}`,
      USER_LIMIT: '1000',
      INPUT_TIMEOUT: '1h',
    };
  };
  return await startRig(gateway, settings, { rates: false });
}

beforeAll(async () => {
  gateway = await startWordGateway();
  [rig, abroad] = await Promise.all([startPolicyRig(), startPolicyRig()]);
  for (const user of ['ben', 'ana', 'gus', 'ext']) {
    const isHere = user === 'ben' || user === 'ana';
    scenes.set(user, setScene(user, { rig: isHere ? rig : abroad, gateway }));
    // With a kernel that stands idle later on.
    const idle = setScene(user, { rig, gateway });
    scenes.set(`${user}-idle`, idle);
    await rig.slash('rob', idle.room('idle'), '/spark 1');
  }
  for (const user of listed) scenes.set(user, setScene(user, { rig: abroad, gateway }));
  for (const user of opened) scenes.set(`${user}-2`, setScene(user, { rig, gateway }));
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await abroad[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
});

type Action = (typeof actions)[number];

/** Starts the bot again with these rights and no others. */
async function startAgain(rights: Readonly<Record<string, string>>): Promise<void> {
  await rig.bot.stop();
  await rig.bot.restart({ ...closings, ...rights });
}

/** The actions that are allowed but should not be, or the other way round, tried one after the other. */
async function faults(
  scene: Scene,
  tried: Readonly<Partial<Record<Action, readonly Deed[]>>>,
  may: (action: Action) => boolean,
): Promise<string[]> {
  const found: string[] = [];
  for (const action of actions)
    for (const deed of tried[action] ?? [])
      if (!(await isAsTold(scene, deed, { may: may(action), mayRun: may('run') })))
        found.push(`${action} by ${deed.by} should be ${may(action) ? 'allowed' : 'refused'}`);
  return found;
}

/** A person who may not run code has no run of their own to decide about; the table has to agree. */
async function isAsTold(
  scene: Scene,
  deed: Deed,
  { may, mayRun }: { may: boolean; mayRun: boolean },
): Promise<boolean> {
  if (deed.needsOwnRun === true && !mayRun) return !may;
  return (await deed.attempt(elsewhere(scene))) === may;
}

test('every source, button and command is tried', () => {
  const tried = new Set(Object.values(deeds).flatMap((all) => all.map(({ by }) => by)));
  const all: Record<Deed['by'], true> = {
    home: true,
    'global shortcut': true,
    'source slash': true,
    'source mention': true,
    'source direct': true,
    'source thread': true,
    'source auto': true,
    'source editor': true,
    'source shortcut': true,
    'source file': true,
    'source edit': true,
    'source again': true,
    'source schedule': true,
    'button stop': true,
    'button cancel': true,
    'button ask': true,
    'button runAgain': true,
    'button editAndRun': true,
    'button delete': true,
    'button switch': true,
    'button restart': true,
    'button shutdown': true,
    'button answerInput': true,
    'button allRows': true,
    'button keep': true,
    'button save': true,
    'button export': true,
    'command help': true,
    'command languages': true,
    'command status': true,
    'command stop': true,
    'command history': true,
    'command export': true,
    'command kernels': true,
    'command use': true,
    'command save': true,
    'command saved': true,
    'command run': true,
    'command forget': true,
    'command schedule': true,
    'command scheduleForm': true,
    'command schedules': true,
    'command unschedule': true,
    'command auto': true,
    'command restart': true,
    'command shutdown': true,
  };
  expect([...tried].toSorted()).toEqual(Object.keys(all).toSorted());
});

describe('with the default settings', () => {
  beforeAll(async () => await startAgain({}));

  test.concurrent.each(people)('%s (%s)', async (user, role) => {
    const { keep: _later, ...tried } = deeds;
    expect(await faults(sceneOf(user), tried, (action) => cell(action, role) === 'yes')).toEqual([]);
  });

  test.concurrent.each(listed)('%s is an admin by ADMINS', async (user) => {
    const rights = actions.filter((action) => cell(action, 'admin') !== cell(action, 'member'));
    const tried = Object.fromEntries(rights.map((action) => [action, deeds[action].slice(0, 1)]));
    expect(await faults(sceneOf(user), tried, () => true)).toEqual([]);
  });

  test('a bot runs nothing and is told nothing', async () => {
    const { playground, bot } = rig;
    expect(actions.filter((action) => cell(action, 'bot') !== '–')).toEqual([]);
    const room = sceneOf('ben').room('more');
    const { root } = await rig.slash('rob', room, '/spark 1');
    const seen = playground.messages(room).length;
    const since = bot.log.length;
    const as = playground.as('deploybot');
    as.post(room, fence('1', '@sparkthread '));
    as.post(room, '@sparkthread restart');
    as.post(room, fence('1'), { thread: root.ts });
    as.post(room, '!status', { thread: root.ts });
    as.upload(room, { name: 'x.py', content: '1' }, '@sparkthread');
    await playground.waitForQuiet();
    await rig.slash('rob', room, '/spark 1');
    expect(playground.messages(room)).toHaveLength(seen + 5 + 2);
    expect(playground.ephemerals('deploybot')).toEqual([]);
    const { id } = playground.user('deploybot');
    expect(bot.log.slice(since).filter(({ user }) => user === id)).toEqual([]);
  });

  test('an idle kernel can be kept by the people whom the table names', async () => {
    await rig.bot.stop();
    ageKernels(rig.bot, 12 * 3_600_000 - 5 * 60_000);
    await rig.bot.restart();
    const [deed] = deeds.keep;
    for (const [user, role] of people)
      expect(await deed?.attempt(sceneOf(`${user}-idle`)), user).toBe(cell('keep', role) === 'yes');
  });
});

describe('with settings that open it to everybody', () => {
  beforeAll(async () => await startAgain({ ...openings, ALLOWED_BOTS: rig.playground.user('deploybot').id }));

  test.concurrent.each(opened)('%s may do what a member may do, and what ① stands for', async (user) => {
    const { run, look, restart, shutDown, switch: replace, otherChannels } = deeds;
    const tried = { run, look, restart, shutDown, switch: replace, otherChannels };
    const may = (action: Action): boolean => cell(action, 'member') !== '–';
    expect(await faults(sceneOf(`${user}-2`), tried, may)).toEqual([]);
  });

  test('a bot of ALLOWED_BOTS runs code', async () => {
    const room = sceneOf('ben').room('more');
    const root = rig.playground.as('deploybot').post(room, fence('1', '@sparkthread '));
    await rig.final(room, root.ts);
  });
});

test('ALLOWED_USERS and ALLOWED_CHANNELS narrow who may run code, also by group', async () => {
  const { playground } = rig;
  const group = playground.addGroup('requesters', ['ben']);
  const scene = sceneOf('ben');
  await startAgain({
    ALLOWED_USERS: `${group.id},${playground.user('ana').id}`,
    ALLOWED_CHANNELS: playground.channel(scene.room('code')).id,
  });
  await rig.slash('ben', scene.room('code'), '/spark 1');
  const asked = (user: string, room: string) =>
    asks({ ...scene, user }, () => playground.as(user).slash(room, '/spark 1'));
  expect(await asked('rob', scene.room('code'))).toBe(false);
  expect(playground.ephemerals('rob').at(-1)?.text).toContain('not on the list of people');
  expect(await asked('ben', scene.room('more'))).toBe(false);
  expect(playground.ephemerals('ben').at(-1)?.text).toContain('may not be used in this channel');
});
