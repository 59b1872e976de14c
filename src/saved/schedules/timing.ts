import { Cron } from 'croner';
import { UserError } from '../../errors.ts';

/** When a schedule runs: a cron line, and the same in its maker's words. */
export interface Timing {
  /** `weekdays 8:00`. */
  words: string;
  /** Five fields, read in the schedule's time zone. */
  cron: string;
}

export const TIMING_FORM =
  'Say when: weekdays 8:00, daily 7:30, mondays 9:00, hourly, every 30 min, every 2 hours, or a cron line in quotes, "0 8 * * 1-5".';

const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/**
 * The timing at the beginning of a text, and the rest of the text. Undefined if there is none. Throws `UserError` if it looks
 * like a timing but is not valid.
 */
export function readTiming(typed: string): { timing: Timing; rest: string } | undefined {
  const text = typed.trim();
  return readCron(text) ?? readInterval(text) ?? readDays(text);
}

type Read = { timing: Timing; rest: string } | undefined;

function readCron(text: string): Read {
  const [whole, , line] = /^(["'])([^"']*)\1/.exec(text) ?? [];
  if (whole === undefined || line === undefined) return undefined;
  const cron = line.trim().replaceAll(/\s+/g, ' ');
  try {
    openCron(cron, 'UTC');
  } catch {
    throw new UserError(
      'badCommand',
      `“${cron.slice(0, 60)}” is not a cron line: minute, hour, day of the month, month, day of the week, as in "0 8 * * 1-5". Nothing was scheduled.`,
    );
  }
  return { timing: { words: `"${cron}"`, cron }, rest: text.slice(whole.length) };
}

/** Cron can express only intervals that divide the hour or the day. */
const MINUTES = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30];
const HOURS = [1, 2, 3, 4, 6, 8, 12];

function readInterval(text: string): Read {
  const [whole, hourly, count, unit = 'h'] =
    /^(?:(hourly)|every(?:[ \t]+(\d{1,4}))?[ \t]*(m|mins?|minutes?|h|hours?))(?=\s|$)/i.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const rest = text.slice(whole.length);
  const every = Number(count ?? 1);
  if (hourly !== undefined || (/^h/i.test(unit) && every === 1))
    return { timing: { words: 'hourly', cron: '0 * * * *' }, rest };
  if (/^h/i.test(unit)) {
    if (!HOURS.includes(every)) throw oddInterval('hours', HOURS.slice(1));
    return { timing: { words: `every ${every} hours`, cron: `0 */${every} * * *` }, rest };
  }
  if (every === 60) return { timing: { words: 'hourly', cron: '0 * * * *' }, rest };
  if (!MINUTES.includes(every)) throw oddInterval('min', MINUTES);
  return { timing: { words: `every ${every} min`, cron: `*/${every} * * * *` }, rest };
}

function oddInterval(unit: string, known: readonly number[]): UserError {
  return new UserError(
    'badCommand',
    `Every how many ${unit}? It can be ${known.join(', ')}; for anything else there is a cron line in quotes. Nothing was scheduled.`,
  );
}

/** `daily`, `weekdays`, `mondays, thursdays`, with a time: `8:00`, `at 8`, `8.30`, `8 pm`. */
function readDays(text: string): Read {
  const [whole, said, at, hours, minutes = '00', half] =
    /^(?:every[ \t]+)?([a-z]+(?:(?:[ \t]*,[ \t]*|[ \t]+and[ \t]+)[a-z]+)*)[ \t]+(at[ \t]+)?(\d{1,2})(?:[:.](\d{2}))?(?:[ \t]*(am|pm))?(?=\s|$)/i.exec(
      text,
    ) ?? [];
  if (whole === undefined || said === undefined || hours === undefined) return undefined;
  const named = said.toLowerCase().split(/[ \t]*,[ \t]*|[ \t]+and[ \t]+/);
  const days = readDayNames(named);
  if (days === undefined) return undefined;
  const isClear = at !== undefined || half !== undefined || /\d[:.]\d/.test(whole);
  const time = isClear ? readTime(Number(hours), Number(minutes), half?.toLowerCase()) : undefined;
  if (time === undefined)
    throw new UserError('badCommand', 'Give the time as 8:00, 17:30 or 8 am. Nothing was scheduled.');
  const shown = `${time.hour}:${String(time.minute).padStart(2, '0')}`;
  return {
    timing: { words: `${days.words} ${shown}`, cron: `${time.minute} ${time.hour} * * ${days.cron}` },
    rest: text.slice(whole.length),
  };
}

function readDayNames(named: readonly string[]): { words: string; cron: string } | undefined {
  const [only] = named;
  if (named.length === 1) {
    if (only === 'daily' || only === 'day') return { words: 'daily', cron: '*' };
    if (only === 'weekdays' || only === 'weekday') return { words: 'weekdays', cron: '1-5' };
    if (only === 'weekends' || only === 'weekend') return { words: 'weekends', cron: '0,6' };
  }
  const numbers = named.map(dayNumber);
  if (numbers.some((number) => number === -1)) return undefined;
  return {
    words: numbers.map((number) => `${DAYS[number] ?? ''}s`).join(', '),
    cron: numbers.join(','),
  };
}

/** The number of `monday`, `Mondays` or `mon`; -1 for any other word. */
function dayNumber(word: string): number {
  const singular = word.replace(/s$/, '');
  return DAYS.findIndex((day) => day === singular || (singular.length >= 3 && day.startsWith(singular)));
}

function readTime(
  hour: number,
  minute: number,
  half: string | undefined,
): { hour: number; minute: number } | undefined {
  if (minute > 59) return undefined;
  if (half === undefined) return hour < 24 ? { hour, minute } : undefined;
  if (hour < 1 || hour > 12) return undefined;
  return { hour: (hour % 12) + (half === 'pm' ? 12 : 0), minute };
}

/**
 * When summer time ends, a time that occurs twice counts once. When it begins, a time that does not exist counts as the first
 * one after it. Intervals are not affected.
 */
function openCron(line: string, timeZone: string): Cron {
  return new Cron(line, { timezone: timeZone, mode: '5-part', fixedTimeRule: 'no-wildcard', paused: true });
}

/** The planned minutes of a timing in a time zone. All in ms since the epoch. */
export class Plan {
  readonly #cron: Cron;

  /** Throws if the cron line or the time zone (`Europe/Berlin`) is not valid. */
  constructor({ cron }: Pick<Timing, 'cron'>, timeZone: string) {
    this.#cron = openCron(cron, timeZone);
  }

  /** The first planned minute after `afterMs`; undefined if there is none. */
  next(afterMs: number): number | undefined {
    return this.#cron.nextRun(new Date(afterMs))?.getTime();
  }

  /** The first `count` planned minutes after `afterMs`. */
  nextTimes(afterMs: number, count: number): number[] {
    return this.#cron.nextRuns(count, new Date(afterMs)).map((time) => time.getTime());
  }

  /** The last planned minute after `afterMs` and up to `untilMs`. */
  newest(afterMs: number, untilMs: number): number | undefined {
    let newest: number | undefined;
    for (let time = this.next(afterMs); time !== undefined && time <= untilMs; time = this.next(time))
      newest = time;
    return newest;
  }
}

/** Whether this machine knows the time zone: Slack may name one that it does not. */
export function isTimeZone(name: string | undefined): name is string {
  try {
    return name !== undefined && new Intl.DateTimeFormat('en', { timeZone: name }).format() !== '';
  } catch {
    return false;
  }
}
