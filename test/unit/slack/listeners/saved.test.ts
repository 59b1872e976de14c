import { Keyv } from 'keyv';
import { beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import type { Run } from '../../../../src/runs/run.ts';
import { SavedSnippets } from '../../../../src/saved/saved-snippets.ts';
import { Schedules } from '../../../../src/saved/schedules/schedules.ts';
import type { Bot } from '../../../../src/slack/context.ts';
import { onReplaceButton } from '../../../../src/slack/listeners/actions/saved-buttons.ts';
import { forgetSaved, resolveSaved, saveLastRun } from '../../../../src/slack/listeners/commands/saved.ts';
import { onSaveSubmitted } from '../../../../src/slack/listeners/views/saved-forms.ts';
import { silentAudit } from '../../../support/silent-audit.ts';
import { personOf, POLICY } from './people.ts';

const here = { channel: 'C1', thread: undefined, requestKey: 'k', root: '' };

function runOf(id: string, requester: string, channel = 'C1'): Run {
  const data = { kernelspec: 'python3', language: 'python' };
  return { id, requester, channel, data } as Run;
}

let bot: Bot;
let runs: Run[];
let codes: Record<string, string[]>;

beforeEach(() => {
  runs = [runOf('r3', 'U2'), runOf('r2', 'U1', 'C2'), runOf('r1', 'U1')];
  codes = { r1: ['1'], r2: ['2'], r3: ['3'] };
  bot = {
    workspace: 'T1',
    saved: new SavedSnippets(new Keyv(), new Keyv(), 'T1'),
    schedules: new Schedules(new Keyv(), 'T1'),
    policy: { ...POLICY, admins: ['U9'] },
    users: { find: async (id: string) => personOf(id) },
    runs: {
      find: async (id: string) => runs.find((run) => run.id === id),
      newest: async (index: string, [of]: string[], count: number) =>
        runs.filter(({ requester }) => index !== 'requester' || requester === of).slice(0, count),
      code: async ({ id }: Run) => codes[id] ?? [],
    },
    log: silentLog,
    audit: silentAudit,
  } as unknown as Bot;
});

/** The code that `run NAME` would run. */
async function codeOf(name: string): Promise<readonly string[] | undefined> {
  const command = { kind: 'run', name, parameters: [], typed: `run ${name}` } as const;
  const request = await resolveSaved({ kind: 'command', command }, 'C1', bot);
  return request.kind === 'snippet' ? request.snippet.blocks : undefined;
}

/** A schedule that runs `x`. */
async function schedule(maker: string): Promise<void> {
  const timing = { words: 'hourly', cron: '0 * * * *' };
  const made = { channel: 'C1', maker, name: 'x', timing, timeZone: 'UTC' };
  await bot.schedules.add({ ...made, parameters: [], onlyOnFailure: false }, 0);
}

test('save takes the caller’s last run in this channel; in a thread its last run', async () => {
  await saveLastRun({ name: 'own' }, personOf('U1'), here, bot);
  expect(await codeOf('own')).toEqual(['1']);
  await saveLastRun({ name: 'threads' }, personOf('U1'), { ...here, thread: '1.1' }, bot);
  expect(await codeOf('threads')).toEqual(['3']);
});

test('a scheduled run is not its maker’s last run', async () => {
  const saved = { name: 'x', schedule: { id: 's1', words: 'hourly', isQuiet: false } };
  const scheduled = runOf('r4', 'U1');
  runs = [{ ...scheduled, data: { ...scheduled.data, saved } }, ...runs];
  codes['r4'] = ['4'];
  await saveLastRun({ name: 'own' }, personOf('U1'), here, bot);
  expect(await codeOf('own')).toEqual(['1']);
});

test.each([
  ['the bot’s own code behind All rows as CSV', { origin: 'allRows' }],
  ['a run whose answer was deleted and is not removed yet', { erased: true }],
])('%s is nothing to save', async (_, change) => {
  const asked = { ...runOf('r4', 'U1'), data: { ...runOf('r4', 'U1').data, ...change } } as Run;
  runs = [asked, ...runs];
  codes['r4'] = ['all_rows()'];
  await saveLastRun({ name: 'own' }, personOf('U1'), here, bot);
  expect(await codeOf('own')).toEqual(['1']);
  await saveLastRun({ name: 'threads' }, personOf('U1'), { ...here, thread: '1.1' }, bot);
  expect(await codeOf('threads')).toEqual(['3']);
});

test('save reports that nothing has run, or that the code is gone', async () => {
  await expect(saveLastRun({ name: 'x' }, personOf('U5'), here, bot)).rejects.toThrow('You have run nothing');
  codes = {};
  await expect(saveLastRun({ name: 'x' }, personOf('U1'), here, bot)).rejects.toThrow('is no longer kept');
});

test('for a taken name the bot asks, and only the button replaces the snippet', async () => {
  await saveLastRun({ name: 'x' }, personOf('U2'), { ...here, thread: '1.1' }, bot);
  codes['r3'] = ['new'];
  const { blocks } = await saveLastRun({ name: 'x' }, personOf('U2'), here, bot);
  expect(await codeOf('x')).toEqual(['3']);
  const [, buttons] = blocks ?? [];
  const [button] = buttons?.type === 'actions' ? buttons.elements : [];
  const told: unknown[] = [];
  await onReplaceButton(
    {
      ack: async () => {},
      body: { user: { id: 'U2' }, container: {} },
      action: button,
      respond: async (said: unknown) => void told.push(said),
    } as never,
    bot,
  );
  expect(told).toEqual([expect.objectContaining({ text: expect.stringContaining('Saved as') })]);
  expect(await codeOf('x')).toEqual(['new']);
});

test('only the person who saved it, or an admin, can replace it', async () => {
  await saveLastRun({ name: 'x' }, personOf('U1'), here, bot);
  const refusal = 'Only admins may forget or replace what somebody else saved.';
  const save = (user: string) => saveLastRun({ name: 'x' }, personOf(user), { ...here, thread: '1.1' }, bot);
  await expect(save('U2')).rejects.toThrow(refusal);
  // A button that was shown before somebody else saved it.
  const { id } = bot.saved.find('C1', 'x') ?? {};
  const metadata = { runId: 'r3', name: 'x', replaces: id };
  expect(JSON.stringify(await submit(metadata))).toContain(refusal);
  expect(await codeOf('x')).toEqual(['1']);
  expect((await save('U9')).text).toContain('Replace it?');
});

test('nobody else’s schedule runs what is saved under a name that was forgotten', async () => {
  await saveLastRun({ name: 'x' }, personOf('U1'), here, bot);
  await schedule('U3');
  await forgetSaved({ name: 'x' }, personOf('U1'), { channel: 'C1' }, bot);
  const save = (user: string) => saveLastRun({ name: 'X' }, personOf(user), { ...here, thread: '1.1' }, bot);
  await expect(save('U1')).rejects.toThrow(
    '“X” is what somebody else’s schedule runs. Save it under another name.',
  );
  expect((await save('U3')).text).toContain('Saved as');
});

/** Submits the modal that Save in the menu has opened, or the one that came of it. */
async function submit(metadata: object, name?: string): Promise<{ view?: { private_metadata?: string } }> {
  const acks: object[] = [];
  const values = name === undefined ? {} : { name: { name: { value: name } } };
  await onSaveSubmitted(
    {
      ack: async (response: object) => void acks.push(response),
      body: { user: { id: 'U2' } },
      view: { private_metadata: JSON.stringify(metadata), state: { values } },
    } as never,
    bot,
  );
  expect(acks).toHaveLength(1);
  return acks[0] ?? {};
}

test('the modal saves under a name, refuses an invalid one, and asks before it replaces', async () => {
  expect(await submit({ runId: 'r1' }, 'two words')).toMatchObject({
    response_action: 'errors',
    errors: { name: expect.stringContaining('one word') },
  });
  expect(JSON.stringify(await submit({ runId: 'r1' }, ' x '))).toContain('Saved as `x`');
  const asked = await submit({ runId: 'r3' }, 'x');
  expect(JSON.stringify(asked)).toContain('Replace it?');
  expect(await codeOf('x')).toEqual(['1']);
  await submit(JSON.parse(asked.view?.private_metadata ?? '{}'));
  expect(await codeOf('x')).toEqual(['3']);
});

test('a person who replaces or forgets a scheduled snippet is told of its schedules', async () => {
  await saveLastRun({ name: 'x' }, personOf('U1'), here, bot);
  await schedule('U1');
  const told = 'It is what these schedules run: 1.';
  codes['r1'] = ['new'];
  expect((await saveLastRun({ name: 'x' }, personOf('U1'), here, bot)).text).toContain(told);
  expect((await forgetSaved({ name: 'x' }, personOf('U1'), { channel: 'C1' }, bot)).text).toContain(told);
  await saveLastRun({ name: 'X' }, personOf('U1'), here, bot);
  codes['r1'] = ['newer'];
  expect((await saveLastRun({ name: 'x' }, personOf('U1'), here, bot)).text).toContain(told);
});

test('only the person who saved it, or an admin, can forget it', async () => {
  await saveLastRun({ name: 'x' }, personOf('U1'), here, bot);
  await saveLastRun({ name: 'y' }, personOf('U1'), here, bot);
  await expect(forgetSaved({ name: 'x' }, personOf('U2'), { channel: 'C1' }, bot)).rejects.toThrow(
    'Only admins',
  );
  expect(await codeOf('x')).toEqual(['1']);
  await forgetSaved({ name: 'X' }, personOf('U1'), { channel: 'C1' }, bot);
  await forgetSaved({ name: 'y' }, personOf('U9'), { channel: 'C1' }, bot);
  expect([await codeOf('x'), await codeOf('y')]).toEqual([undefined, undefined]);
  await expect(forgetSaved({ name: 'y' }, personOf('U9'), { channel: 'C1' }, bot)).rejects.toThrow(
    'No snippet is saved',
  );
});
