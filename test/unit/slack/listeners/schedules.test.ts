import { Keyv } from 'keyv';
import { beforeEach, expect, test, vi } from 'vitest';
import { StoreError, UserError } from '../../../../src/errors.ts';
import { silentLog } from '../../../../src/log.ts';
import type { SnippetRequest } from '../../../../src/runs/admission/new-run.ts';
import type { RunOutcome } from '../../../../src/runs/outcome.ts';
import type { Run } from '../../../../src/runs/run.ts';
import { SavedSnippets } from '../../../../src/saved/saved-snippets.ts';
import { type Schedule, Schedules } from '../../../../src/saved/schedules/schedules.ts';
import type { ChannelFacts } from '../../../../src/slack/api/conversations.ts';
import type { Person } from '../../../../src/slack/auth/policy.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import {
  makeSchedule,
  removeSchedule,
  notifyScheduleNews,
  readScheduledEnd,
  startScheduled,
} from '../../../../src/slack/listeners/schedules.ts';
import { onScheduleSubmitted } from '../../../../src/slack/listeners/views/saved-forms.ts';
import { silentAudit } from '../../../support/silent-audit.ts';
import { personOf, POLICY } from './people.ts';

const person = (id: string): Person => personOf(id, { timeZone: 'Asia/Kathmandu' });

const asked = {
  name: 'report',
  timing: { words: 'daily 8:00', cron: '0 8 * * *' },
  parameters: [{ name: 'n', value: { kind: 'integer', digits: '5' } }],
  onlyOnFailure: false,
} as const;

let bot: Bot;
let maker: Person;
let facts: ChannelFacts | undefined;
let isMember: boolean | Error;
let admitted: SnippetRequest[];
let admit: () => { kind: 'accepted'; runId: string } | { kind: 'duplicate' };
let lastRun: Partial<Run> | undefined;
let said: string[];

beforeEach(async () => {
  maker = person('U1');
  facts = { name: 'data', isPrivate: false, isPostable: true, isShared: false, partner: undefined };
  isMember = true;
  admitted = [];
  admit = () => ({ kind: 'accepted', runId: 'r1' });
  lastRun = undefined;
  said = [];
  const saved = new SavedSnippets(new Keyv(), new Keyv(), 'T1');
  const place = { workspace: 'T1', channel: 'C1' };
  await saved.save(
    { ...place, name: 'report', kernelspec: 'py', language: 'python', savedBy: 'U2', blocks: ['n = 1', 'n'] },
    undefined,
    1,
  );
  bot = {
    ...place,
    saved,
    schedules: new Schedules(new Keyv(), 'T1'),
    policy: { ...POLICY, admins: ['U9'] },
    users: { find: async (id: string) => (id === 'U1' ? maker : person(id)) },
    channels: {
      mustBePostable: async () => {},
      find: async () => facts,
      async isMemberForCertain() {
        if (isMember instanceof Error) throw isMember;
        return isMember;
      },
    },
    notify: {
      person: async ({ user }: { user: string }, text: string) => void said.push(`${user}: ${text}`),
      async channel({ channel }: { channel: string }, text: string) {
        if (facts?.isPostable === true) said.push(`${channel}: ${text}`);
        return facts?.isPostable === true;
      },
    },
    admission: {
      async submit(request: SnippetRequest) {
        admitted.push(request);
        return admit();
      },
    },
    onRefused: () => undefined,
    runs: { find: async () => lastRun },
    runOf: async () => ({ id: 'r0' }),
    memory: createListenerMemory(),
    audit: silentAudit,
    log: silentLog,
  } as unknown as Bot;
});

const plannedAt = Date.parse('2026-11-30T02:15Z');

async function made(change: Partial<typeof asked> = {}): Promise<Schedule> {
  await makeSchedule({ ...asked, ...change }, maker, 'C1', bot);
  return bot.schedules.list('C1').at(-1) ?? never();
}

test('a schedule is in its maker’s time zone, and its next three times are told', async () => {
  const words = await makeSchedule(asked, maker, 'C1', bot);
  expect(words).toMatch(/^Schedule 1: `report n=5`, daily 8:00 \(Asia\/Kathmandu\)\. Next: /);
  const times = [...words.matchAll(/<!date\^(\d+)\^/g)].map(([, seconds]) => Number(seconds));
  expect(times).toHaveLength(3);
  // 8:00 at UTC+5:45.
  expect(times.map((seconds) => seconds % 86_400)).toEqual([8_100, 8_100, 8_100]);
  maker = { ...maker, timeZone: undefined };
  expect(await makeSchedule(asked, maker, 'C1', bot)).toContain('so it is UTC');
});

test.each([
  ['a name that is not saved', { name: 'other' }, 'No snippet is saved here as “other”'],
  [
    'values that its language does not take',
    { parameters: [{ name: 'class', value: { kind: 'null' } }] },
    'not a name in Python',
  ],
])('%s is refused when it is made', async (_, change, sentence) => {
  await expect(makeSchedule({ ...asked, ...change } as never, maker, 'C1', bot)).rejects.toThrow(sentence);
});

test('a snippet that is forgotten while its schedule is made gets none', async () => {
  bot.saved.snippet = async () => undefined;
  await expect(makeSchedule(asked, maker, 'C1', bot)).rejects.toThrow('is no longer kept');
  expect(bot.schedules.list('C1')).toEqual([]);
});

test('the values of SQL have to be in its code', async () => {
  const place = { workspace: 'T1', channel: 'C1', kernelspec: 'py', language: 'python', savedBy: 'U2' };
  await bot.saved.save({ ...place, name: 'sales', dialect: 'sql', blocks: ['select :n'] }, undefined, 1);
  await startScheduled(await made({ name: 'sales' } as never), plannedAt, false, bot);
  expect(admitted[0]?.snippet).toEqual({ language: 'py', dialect: 'sql', blocks: ['select 5'] });
  await bot.saved.save({ ...place, name: 'plain', dialect: 'sql', blocks: ['select 1'] }, undefined, 1);
  await expect(made({ name: 'plain' } as never)).rejects.toThrow('no :n for the value');
});

test.each([
  ['removed', (id: string) => bot.schedules.remove(id)],
  ['paused', (id: string) => bot.schedules.change(id, () => ({ pausedFor: 'byHand' }))],
])('a schedule that is %s while Slack is asked about its maker does not run', async (_, change) => {
  const schedule = await made();
  const { find } = bot.channels;
  bot.channels.find = async (id) => {
    await change(schedule.id);
    return await find(id);
  };
  expect(await startScheduled(schedule, plannedAt, false, bot)).toEqual({ kind: 'settled' });
  expect(admitted).toEqual([]);
});

test('somebody who may not run code cannot make one', async () => {
  await expect(makeSchedule(asked, { ...maker, isGuest: true }, 'C1', bot)).rejects.toThrow('Guests may not');
});

test('a planned minute is one request of its maker, with the values', async () => {
  const schedule = await made();
  expect(await startScheduled(schedule, plannedAt, true, bot)).toEqual({ kind: 'accepted', runId: 'r1' });
  expect(admitted).toMatchObject([
    {
      requestKey: `schedule/T1/${schedule.id}/2026-11-30T02:15`,
      source: 'schedule',
      requester: 'U1',
      attended: false,
      thread: '',
      snippet: { language: 'py', blocks: ['n = 1', '# Parameters\nn = 5', 'n'] },
      saved: { name: 'report', schedule: { id: schedule.id, words: 'daily 8:00', isQuiet: false } },
      notes: ['Planned for 08:00 (Asia/Kathmandu); it could not begin then.'],
    },
  ]);
  await startScheduled(schedule, plannedAt, false, bot);
  expect(admitted[1]?.notes).toEqual([]);
});

test('a planned minute that a predecessor had accepted is the run that it made', async () => {
  admit = () => ({ kind: 'duplicate' });
  expect(await startScheduled(await made(), plannedAt, false, bot)).toEqual({
    kind: 'accepted',
    runId: 'r0',
  });
});

test.each<[string, () => void, object]>([
  [
    'is deactivated',
    () => (maker = { ...maker, isDeactivated: true }),
    { kind: 'impossible', reason: 'makerGone' },
  ],
  [
    'is a guest by now',
    () => (maker = { ...maker, isGuest: true }),
    { kind: 'refused', why: expect.stringContaining('Guests') },
  ],
  ['is not told by Slack', () => (maker = { ...maker, isUnknown: true }), { kind: 'unanswered' }],
  [
    'has left a private channel',
    () => {
      facts = { ...(facts ?? never()), isPrivate: true };
      isMember = false;
    },
    { kind: 'impossible', reason: 'makerGone' },
  ],
  [
    'is perhaps in a private channel',
    () => {
      facts = { ...(facts ?? never()), isPrivate: true };
      isMember = new Error('ratelimited');
    },
    { kind: 'unanswered' },
  ],
  ['is in a channel without the bot', () => (facts = undefined), { kind: 'impossible', reason: 'noChannel' }],
  [
    'has a run of it that goes on',
    () => (lastRun = { state: 'running' }),
    { kind: 'refused', why: expect.stringContaining('not ended') },
  ],
  [
    'meets a full queue',
    () =>
      (admit = () => {
        throw new UserError('queueFull', 'The queue is full.');
      }),
    { kind: 'refused', why: 'The queue is full.', isFull: true },
  ],
  [
    'has many others of the same minute',
    () =>
      (admit = () => {
        throw new UserError('tooManyRuns', 'You have 5 unfinished runs.');
      }),
    { kind: 'refused', why: 'You have 5 unfinished runs.', isFull: true },
  ],
  [
    'has one in a language that is gone',
    () =>
      (admit = () => {
        throw new UserError('unknownLanguage', 'It is gone.');
      }),
    { kind: 'refused', why: 'It is gone.', isFull: false },
  ],
  [
    'meets a store that is away',
    () =>
      (admit = () => {
        throw new StoreError('silent', 'away');
      }),
    { kind: 'unanswered' },
  ],
])('whose maker %s', async (_, change, started) => {
  const schedule = { ...(await made()), lastRunId: 'r0' };
  change();
  expect(await startScheduled(schedule, plannedAt, false, bot)).toMatchObject(started);
});

test('a forgotten snippet pauses its schedule', async () => {
  const schedule = await made();
  await bot.saved.forget(bot.saved.find('C1', 'report') ?? never());
  expect(await startScheduled(schedule, plannedAt, false, bot)).toEqual({
    kind: 'impossible',
    reason: 'snippetGone',
  });
});

test('news mention the maker, who is told directly if the channel cannot be; a maker who is gone is not mentioned', async () => {
  const schedule = await made();
  await notifyScheduleNews(schedule, { kind: 'refused', why: 'No <room>.' }, bot);
  await notifyScheduleNews(schedule, { kind: 'missed', plannedAtMs: plannedAt }, bot);
  await notifyScheduleNews(schedule, { kind: 'paused', reason: 'failures' }, bot);
  await notifyScheduleNews(schedule, { kind: 'paused', reason: 'makerGone' }, bot);
  facts = undefined;
  await notifyScheduleNews(schedule, { kind: 'paused', reason: 'noChannel' }, bot);
  await notifyScheduleNews(schedule, { kind: 'missed', plannedAtMs: plannedAt }, bot);
  expect(said).toEqual([
    'C1: <@U1>: schedule 1 (`report n=5`, daily 8:00) did not run: No &lt;room&gt;.',
    expect.stringMatching(/^C1: <@U1>: schedule 1 .* was missed <!date/),
    expect.stringMatching(/^C1: <@U1>: schedule 1 .* failed five times in a row\. It is paused/),
    expect.stringMatching(/^C1: Paused: schedule 1 .* deactivated.* schedule it again;/),
    expect.stringMatching(/^U1: <#C1> <@U1>: schedule 1 .* cannot run/),
    expect.stringMatching(/^U1: <#C1> <@U1>: schedule 1 .* was missed/),
  ]);
});

test('how a run ended counts for the schedule that it came from', () => {
  const run = { data: { saved: { name: 'x', schedule: { id: 's1', words: '', isQuiet: false } } } } as Run;
  const end = (kind: string, stoppedBy?: string) =>
    readScheduledEnd(run, { kind, stoppedBy } as RunOutcome)?.end;
  // Its question whether to switch the kernel has lapsed.
  expect(end('cancelled')).toBe('failed');
  const ends = [['ok'], ['raised'], ['timedOut'], ['unknown'], ['interrupted'], ['cancelled', 'U2']] as const;
  expect(ends.map(([kind, by]) => end(kind, by))).toEqual([
    'ok',
    'failed',
    'failed',
    'failed',
    'stopped',
    'stopped',
  ]);
  expect(
    readScheduledEnd({ data: { saved: { name: 'x' } } } as Run, { kind: 'ok' } as RunOutcome),
  ).toBeUndefined();
});

test('its maker or an admin removes it, by its number', async () => {
  await made();
  await expect(removeSchedule({ number: 1 }, person('U2'), { channel: 'C1' }, bot)).rejects.toThrow(
    'Only admins may change',
  );
  await expect(removeSchedule({ number: 2 }, maker, { channel: 'C1' }, bot)).rejects.toThrow('There is: 1.');
  expect((await removeSchedule({ number: 1 }, person('U9'), { channel: 'C1' }, bot)).text).toContain(
    'Removed schedule 1',
  );
});

/** Submits the form with these fields. */
async function submit(timing: string, values = '', quiet = false): Promise<unknown> {
  let acked: unknown;
  await onScheduleSubmitted(
    {
      ack: async (response: unknown) => void (acked = response),
      body: { user: { id: 'U1' } },
      view: {
        private_metadata: JSON.stringify({ channel: 'C1' }),
        state: {
          values: {
            snippet: { snippet: { selected_option: { value: 'report' } } },
            timing: { timing: { value: timing } },
            values: { values: { value: values } },
            notice: { notice: { selected_options: quiet ? [{ value: 'onlyOnFailure' }] : [] } },
          },
        },
      },
    } as never,
    bot,
  );
  return acked;
}

test('the form makes one, and shows errors at their fields', async () => {
  expect(await submit('weekdays')).toMatchObject({ errors: { timing: expect.stringContaining('Say when') } });
  expect(await submit('weekdays 8:00 n=5')).toMatchObject({
    errors: { timing: expect.stringContaining('Say when') },
  });
  expect(await submit('daily 8:00', 'n=x')).toMatchObject({
    errors: { values: expect.stringContaining('does not fit') },
  });
  expect(await submit('weekdays 8:00', 'n=“a”', true)).toMatchObject({ response_action: 'update' });
  expect(bot.schedules.list('C1')).toMatchObject([
    { words: 'weekdays 8:00', onlyOnFailure: true, parameters: [{ name: 'n', value: { text: 'a' } }] },
  ]);
});

test.each(['mustBePostable', 'add'])(
  'a form that took too long makes no schedule, as the person is told: %s',
  async (slow) => {
    vi.useFakeTimers();
    const later = async (): Promise<void> => await new Promise((resolve) => setTimeout(resolve, 3_000));
    const { schedules } = bot;
    const add = schedules.add.bind(schedules);
    if (slow === 'add') schedules.add = async (...given) => await later().then(() => add(...given));
    else bot.channels.mustBePostable = later;
    const submitted = submit('weekdays 8:00');
    await vi.advanceTimersByTimeAsync(4_000);
    expect(await submitted).toMatchObject({ errors: { snippet: expect.stringContaining('took too long') } });
    expect(bot.schedules.list('C1')).toEqual([]);
    vi.useRealTimers();
  },
);

function never(): never {
  throw new Error('not there');
}
