import { Keyv } from 'keyv';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { StoreError } from '../../../../src/errors.ts';
import { silentLog } from '../../../../src/log.ts';
import { type ScheduleNews, Scheduler, type Started } from '../../../../src/saved/schedules/scheduler.ts';
import {
  type NewSchedule,
  plannedRequest,
  type Schedule,
  Schedules,
} from '../../../../src/saved/schedules/schedules.ts';

const given: NewSchedule = {
  channel: 'C1',
  maker: 'U1',
  name: 'report',
  timing: { words: 'daily 8:00', cron: '0 8 * * *' },
  timeZone: 'Europe/Berlin',
  parameters: [{ name: 'n', value: { kind: 'list', items: [{ kind: 'integer', digits: '5' }] } }],
  onlyOnFailure: false,
};

const HOUR = 60 * 60_000;

/** What outlives a process: the schedules, and the requests that the run store has accepted. */
let keyv: Keyv;
let accepted: Set<string>;
/** What was asked of the run store, as `planned minute` or `planned minute late`. */
let started: string[];
let news: (ScheduleNews & { number: number })[];
let answer: (schedule: Schedule, plannedAtMs: number) => Started | undefined | Promise<Started>;

let schedules: Schedules;
let scheduler: Scheduler;

beforeEach(() => {
  vi.useFakeTimers();
  keyv = new Keyv();
  accepted = new Set();
  started = [];
  news = [];
  answer = () => undefined;
});

afterEach(() => {
  scheduler.close();
  vi.useRealTimers();
});

/** A process that has become the leader at this time. */
async function lead(iso: string): Promise<void> {
  vi.setSystemTime(new Date(iso));
  schedules = new Schedules(keyv, 'T1');
  await schedules.load();
  scheduler = new Scheduler({
    schedules,
    async start(schedule, plannedAtMs, isLate) {
      started.push(`${new Date(plannedAtMs).toISOString().slice(0, 16)}${isLate ? ' late' : ''}`);
      const said = await answer(schedule, plannedAtMs);
      if (said !== undefined) return said;
      const key = plannedRequest(schedule, plannedAtMs);
      if (accepted.has(key)) return { kind: 'settled' };
      accepted.add(key);
      return { kind: 'accepted', runId: key };
    },
    notify: async ({ number }, told) => void news.push({ number, ...told }),
    log: silentLog,
  });
  scheduler.start();
  await vi.advanceTimersByTimeAsync(0);
}

async function add(change: Partial<NewSchedule> = {}): Promise<Schedule> {
  return await schedules.add({ ...given, ...change }, Date.now());
}

async function until(iso: string): Promise<void> {
  await vi.advanceTimersByTimeAsync(Date.parse(iso) - Date.now());
}

test('it begins in its minute, and once', async () => {
  await lead('2026-11-30T05:00Z');
  await add();
  await until('2026-11-30T06:59:59.999Z');
  expect(started).toEqual([]);
  await until('2026-11-30T07:00:00.002Z');
  expect(started).toEqual(['2026-11-30T07:00']);
  await until('2026-12-02T06:00Z');
  expect(started).toEqual(['2026-11-30T07:00', '2026-12-01T07:00']);
});

describe('over both changes of summer time', () => {
  test.each([
    [
      'spring',
      '2026-03-28T00:30Z',
      '2026-03-30T12:00Z',
      ['2026-03-28T01:30', '2026-03-29T01:00', '2026-03-30T00:30'],
    ],
    [
      'autumn',
      '2026-10-24T00:00Z',
      '2026-10-26T12:00Z',
      ['2026-10-24T00:30', '2026-10-25T00:30', '2026-10-26T01:30'],
    ],
  ])('at 2:30 it runs once a day, in %s', async (_, from, to, times) => {
    await lead(from);
    await add({ timing: { words: 'daily 2:30', cron: '30 2 * * *' } });
    await until(to);
    expect(started).toEqual(times);
  });

  test.each([
    ['2026-03-28T12:30Z', '2026-03-29T12:30Z'],
    ['2026-10-24T12:30Z', '2026-10-25T12:30Z'],
  ])(
    'each hour from %s it runs once an hour, also where a successor takes over within it',
    async (from, to) => {
      await lead(from);
      await add({ timing: { words: 'hourly', cron: '0 * * * *' } });
      for (let at = Date.parse(from); at < Date.parse(to); at += HOUR / 2) {
        await vi.advanceTimersByTimeAsync(HOUR / 2);
        scheduler.close();
        await lead(new Date(Date.now()).toISOString());
      }
      expect(started).toHaveLength(24);
      expect(new Set(started).size).toBe(24);
      expect(accepted.size).toBe(24);
    },
  );
});

test('a process that dies between acceptance and its note leaves no second run', async () => {
  await lead('2026-11-30T05:00Z');
  await add();
  const write = vi.spyOn(keyv, 'set').mockRejectedValue(new StoreError('silent', 'away'));
  await until('2026-11-30T07:00:01Z');
  expect(accepted.size).toBe(1);
  scheduler.close();
  write.mockRestore();
  await lead('2026-11-30T07:00:10Z');
  expect(started).toEqual(['2026-11-30T07:00', '2026-11-30T07:00']);
  expect(accepted.size).toBe(1);
  await until('2026-11-30T12:00Z');
  expect(started).toHaveLength(2);
});

test('a store that does not answer for a while is asked again, without a second run', async () => {
  await lead('2026-11-30T05:00Z');
  await add();
  const write = vi.spyOn(keyv, 'set').mockRejectedValue(new StoreError('silent', 'away'));
  await until('2026-11-30T07:10Z');
  write.mockRestore();
  await until('2026-11-30T09:00Z');
  expect(accepted.size).toBe(1);
  const [schedule] = schedules.list('C1');
  expect(new Date(schedule?.settledTo ?? 0).toISOString()).toBe('2026-11-30T07:00:00.000Z');
});

describe('planned minutes that were missed', () => {
  test('runs once, as late, within the hour', async () => {
    await lead('2026-11-30T05:00Z');
    await add();
    scheduler.close();
    await lead('2026-11-30T07:59Z');
    expect(started).toEqual(['2026-11-30T07:00 late']);
    expect(news).toEqual([]);
  });

  test('are told after an hour, once', async () => {
    await lead('2026-11-30T05:00Z');
    await add();
    scheduler.close();
    await lead('2026-11-30T08:01Z');
    scheduler.close();
    await lead('2026-11-30T08:02Z');
    expect(started).toEqual([]);
    expect(news).toEqual([{ number: 1, kind: 'missed', plannedAtMs: Date.parse('2026-11-30T07:00Z') }]);
  });

  test('of several minutes only the newest runs, and those of more than an hour ago are told', async () => {
    await lead('2026-11-30T05:00Z');
    await add({ timing: { words: 'every 10 min', cron: '*/10 * * * *' } });
    scheduler.close();
    await lead('2026-11-30T05:59Z');
    expect(started).toEqual(['2026-11-30T05:50 late']);
    expect(news).toEqual([]);
    scheduler.close();
    await lead('2026-11-30T12:05Z');
    expect(started.slice(1)).toEqual(['2026-11-30T12:00 late']);
    expect(news).toEqual([{ number: 1, kind: 'missed', plannedAtMs: Date.parse('2026-11-30T06:00Z') }]);
    await until('2026-11-30T12:10:01Z');
    expect(started.slice(1)).toEqual(['2026-11-30T12:00 late', '2026-11-30T12:10']);
    expect(news).toHaveLength(1);
  });

  test('are told once an hour while Slack or the gateway gives no answer', async () => {
    await lead('2026-11-30T05:00Z');
    await add({ timing: { words: 'every 10 min', cron: '*/10 * * * *' } });
    answer = () => ({ kind: 'unanswered', why: 'Slack is away' });
    await until('2026-11-30T07:59Z');
    const missed = ['2026-11-30T05:10Z', '2026-11-30T06:10Z'];
    expect(news).toEqual(
      missed.map((time) => ({ number: 1, kind: 'missed', plannedAtMs: Date.parse(time) })),
    );
    answer = () => undefined;
    await until('2026-11-30T08:05Z');
    expect(accepted.size).toBe(2);
  });
});

test('a clock that is set back repeats no run; one that is set forward is noticed', async () => {
  await lead('2026-11-30T06:30Z');
  await add({ timing: { words: 'hourly', cron: '0 * * * *' } });
  await until('2026-11-30T07:00:01Z');
  vi.setSystemTime(new Date('2026-11-30T06:10Z'));
  await vi.advanceTimersByTimeAsync(HOUR);
  expect(started).toEqual(['2026-11-30T07:00']);
  vi.setSystemTime(new Date('2026-11-30T09:30Z'));
  await vi.advanceTimersByTimeAsync(10 * 60_000);
  expect(started).toEqual(['2026-11-30T07:00', '2026-11-30T09:00 late']);
});

test('a start without an answer is repeated within the hour, then told and counted', async () => {
  await lead('2026-11-30T05:00Z');
  await add();
  answer = () => ({ kind: 'unanswered', why: 'Slack is away' });
  await until('2026-11-30T07:10Z');
  expect(started.length).toBeGreaterThan(10);
  expect(news).toEqual([]);
  answer = () => undefined;
  await until('2026-11-30T07:11Z');
  expect(accepted.size).toBe(1);
  answer = () => ({ kind: 'unanswered', why: 'Slack is away' });
  await until('2026-12-01T09:00Z');
  expect(news).toEqual([{ number: 1, kind: 'refused', why: 'Slack is away' }]);
  expect(schedules.list('C1')[0]?.failures).toBe(1);
});

test('a run without a place is tried again until its next minute or for an hour, then told and counted', async () => {
  await lead('2026-11-30T06:50Z');
  await add({ timing: { words: 'every 30 min', cron: '*/30 * * * *' } });
  answer = () => ({ kind: 'refused', why: 'The queue is full.', isFull: true });
  await until('2026-11-30T07:20Z');
  expect(news).toEqual([]);
  answer = () => undefined;
  await until('2026-11-30T07:21Z');
  expect(accepted.size).toBe(1);
  answer = () => ({ kind: 'refused', why: 'The queue is full.', isFull: true });
  await until('2026-11-30T08:00:01Z');
  expect(news).toEqual([{ number: 1, kind: 'refused', why: 'The queue is full.' }]);
  expect(schedules.list('C1')[0]?.failures).toBe(1);
});

test('five failures in a row pause a schedule and are told; a success in between resets the count', async () => {
  await lead('2026-11-30T05:00Z');
  const { id } = await add();
  const ends = [...failed(4), 'stopped', 'ok', ...failed(4)] as const;
  for (const end of ends) scheduler.noteEnd({ id, end });
  scheduler.noteEnd(undefined);
  await vi.advanceTimersByTimeAsync(0);
  expect(news).toEqual([]);
  answer = () => ({ kind: 'refused', why: 'The queue is full.' });
  await until('2026-11-30T07:00:01Z');
  expect(news).toEqual([
    { number: 1, kind: 'refused', why: 'The queue is full.' },
    { number: 1, kind: 'paused', reason: 'failures' },
  ]);
  answer = () => undefined;
  await until('2026-12-05T07:00Z');
  expect(started).toHaveLength(1);
});

function failed(times: number): 'failed'[] {
  return Array.from({ length: times }, () => 'failed');
}

test('a maker who is gone pauses a schedule, and the channel is told once', async () => {
  await lead('2026-11-30T05:00Z');
  await add();
  answer = () => ({ kind: 'impossible', reason: 'makerGone' });
  await until('2026-12-02T12:00Z');
  expect(started).toHaveLength(1);
  expect(news).toEqual([{ number: 1, kind: 'paused', reason: 'makerGone' }]);
});

test('a paused schedule is not due; after it is resumed the minutes in between do not run', async () => {
  await lead('2026-11-30T05:00Z');
  const { id } = await add();
  await schedules.change(id, () => ({ pausedFor: 'byHand' }));
  await until('2026-12-01T07:30Z');
  await schedules.change(id, () => ({ pausedFor: undefined, settledTo: Date.now() }));
  await until('2026-12-01T12:00Z');
  expect(started).toEqual([]);
  await until('2026-12-02T08:00Z');
  expect(started).toEqual(['2026-12-02T07:00']);
  expect((await schedules.change(id, () => ({})))?.pausedFor).toBeUndefined();
});

test('a schedule that is removed while it is being started does not come back', async () => {
  await lead('2026-11-30T05:00Z');
  const { id } = await add();
  const asked = Promise.withResolvers<Started>();
  answer = () => asked.promise;
  await until('2026-11-30T07:00:01Z');
  expect(await schedules.remove(id)).toBe(true);
  asked.resolve({ kind: 'accepted', runId: 'r1' });
  await vi.advanceTimersByTimeAsync(0);
  expect(schedules.find(id)).toBeUndefined();
  expect(await keyv.get(id)).toBeUndefined();
  expect(await schedules.remove(id)).toBe(false);
});

test('a schedule that is paused or resumed while others of its minute are started does not run', async () => {
  await lead('2026-11-30T05:00Z');
  const ids: string[] = [];
  for (let at = 0; at < 22; at += 1) ids.push((await add()).id);
  const asked = Promise.withResolvers<Started>();
  answer = () => asked.promise;
  await until('2026-11-30T07:00:01Z');
  expect(started).toHaveLength(20);
  await schedules.change(ids[20] ?? '', () => ({ pausedFor: 'byHand' }));
  await schedules.change(ids[21] ?? '', () => ({ settledTo: Date.now() }));
  asked.resolve({ kind: 'accepted', runId: 'r1' });
  await until('2026-11-30T12:00Z');
  expect(started).toHaveLength(20);
  expect(news).toEqual([]);
});

test('an end that changes no count is not written', async () => {
  await lead('2026-11-30T05:00Z');
  const { id } = await add();
  const write = vi.spyOn(keyv, 'set');
  for (const end of ['ok', 'stopped', 'failed', 'ok'] as const) scheduler.noteEnd({ id, end });
  await vi.advanceTimersByTimeAsync(0);
  expect(write).toHaveBeenCalledTimes(2);
});

test('a schedule that hangs does not delay the others', async () => {
  await lead('2026-11-30T05:00Z');
  await add({ name: 'hangs' });
  await add({ timing: { words: 'hourly', cron: '0 * * * *' } });
  answer = ({ name }) => (name === 'hangs' ? new Promise<Started>(() => undefined) : undefined);
  await until('2026-11-30T10:00:01Z');
  expect(started.filter((each) => each.endsWith(':00'))).toHaveLength(6);
  expect(accepted.size).toBe(5);
});

/** How many timers the scheduler has. Files share a worker, and another one's may be there too. */
function closeCounting(): number {
  const before = vi.getTimerCount();
  scheduler.close();
  const left = vi.getTimerCount();
  expect(left).toBeLessThan(20);
  return before - left;
}

test('without a schedule that is to run there is no timer', async () => {
  await lead('2026-11-30T05:00Z');
  expect(vi.getTimerCount()).toBe(0);
  const { id } = await add();
  expect(vi.getTimerCount()).toBe(1);
  await schedules.remove(id);
  await until('2026-11-30T08:00Z');
  expect(vi.getTimerCount()).toBe(0);
});

describe('a thousand schedules', () => {
  async function addThousand(): Promise<void> {
    for (let at = 0; at < 1_000; at += 1)
      await add({
        channel: `C${at % 40}`,
        timing: { words: 'daily', cron: `${at < 500 ? 0 : at % 60} 8 * * *` },
      });
  }

  test('cost one timer and no look into the store at rest', async () => {
    await lead('2026-11-30T05:00Z');
    await addThousand();
    const calls = (['get', 'set', 'delete'] as const).map((name) => vi.spyOn(keyv, name));
    await until('2026-11-30T06:59:59Z');
    expect(calls.flatMap((call) => call.mock.calls)).toEqual([]);
    expect(closeCounting()).toBe(1);
  });

  test('due in one minute, each begins within 2 s of it where a start takes 50 ms', async () => {
    await lead('2026-11-30T05:00Z');
    await addThousand();
    answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { kind: 'accepted', runId: 'r' };
    };
    await until('2026-11-30T07:00:02Z');
    expect(started).toHaveLength(508);
    await until('2026-11-30T08:00Z');
    expect(started).toHaveLength(1_000);
    expect(closeCounting()).toBe(1);
  });
});

test('a schedule gets the next number of its channel; a timing that never comes is refused', async () => {
  await lead('2026-11-30T05:00Z');
  await add();
  expect((await add()).number).toBe(2);
  expect((await add({ channel: 'C2' })).number).toBe(1);
  await expect(add({ timing: { words: '"0 0 30 2 *"', cron: '0 0 30 2 *' } })).rejects.toThrow('never comes');
  for (let at = 2; at < 50; at += 1) await add();
  await expect(add()).rejects.toThrow('50 schedules, which is the limit');
});

test('a successor reads every schedule but those that are damaged or of another workspace', async () => {
  await lead('2026-11-30T05:00Z');
  const made = await add();
  await keyv.set('bad', { id: 'bad' });
  await keyv.set('other', { ...made, id: 'other', workspace: 'T2' });
  await keyv.set('zone', { ...made, id: 'zone', timeZone: 'Mars/Olympus' });
  scheduler.close();
  await lead('2026-11-30T05:00Z');
  expect(schedules.list('C1')).toEqual([made]);
  await until('2026-11-30T07:00:01Z');
  expect(started).toHaveLength(1);
});

test('a store that was emptied gets the schedules again, and none runs twice for it', async () => {
  await lead('2026-03-02T06:59:00Z');
  await add();
  await until('2026-03-02T07:00:30Z');
  await keyv.clear();
  await schedules.storeAgain();
  scheduler.close();
  await lead('2026-03-02T07:01:00Z');
  await until('2026-03-03T07:00:30Z');
  expect(started).toEqual(['2026-03-02T07:00', '2026-03-03T07:00']);
});

test('a clock that was years ahead for a moment does not stop a schedule until then', async () => {
  await lead('2026-11-30T05:00Z');
  await add();
  scheduler.close();
  await lead('2099-01-01T05:30Z');
  scheduler.close();
  await lead('2026-11-30T06:30Z');
  await until('2026-11-30T07:01Z');
  expect(started).toEqual(['2026-11-30T07:00']);
});
