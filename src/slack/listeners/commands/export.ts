import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../../../errors.ts';
import { exportNotebook } from '../../../notebooks/export.ts';
import { notebookText } from '../../../notebooks/nbformat.ts';
import { type Run, withoutDeleted } from '../../../runs/run.ts';
import { isTimeZone } from '../../../saved/schedules/timing.ts';
import { atMost } from '../../../waits.ts';
import type { Person } from '../../auth/policy.ts';
import type { Bot, CommandAnswer, CommandPlace } from '../../context.ts';
import { collectRuns, escapeMarkdown } from '../../exports/collect-runs.ts';
import { withBoundary } from '../boundary.ts';

/** How many runs a notebook holds at most: the newest. */
const MAX_RUNS = 200;
/** How long to wait for files that are being posted. */
const POSTED_MS = 20_000;

type ExportPlace = Pick<CommandPlace, 'channel' | 'thread'>;

/**
 * Exports a thread's runs into the thread, or those of the channel since the person's midnight to the person alone, as
 * a notebook. The answer says that it is being written; failures after that are told to the person.
 */
export async function exportRuns(
  of: 'thread' | 'today',
  person: Person,
  place: ExportPlace,
  bot: Bot,
): Promise<CommandAnswer> {
  const { channel, thread } = place;
  const notify = (text: string): Promise<void> =>
    bot.notify.person({ channel, thread, user: person.id }, text);
  const found = await findRuns(of, person, place, bot);
  const runs = answeredRuns(found.slice(0, MAX_RUNS), of === 'thread' ? 'this thread' : 'this channel today');
  const older = found.length > MAX_RUNS ? ` The newest ${runs.length} runs are in it.` : '';
  // Not awaited, because it takes longer than Slack waits; one at a time for each person, because it takes much memory.
  void withBoundary({ what: 'an export', notify }, bot, async () => {
    await bot.memory.mutex.run(`export/${person.id}`, () => sendNotebook(of, runs, person, place, bot));
  });
  const count = runs.length === 1 ? 'one run' : `${runs.length} runs`;
  const where = of === 'thread' ? 'it comes into this thread' : 'it comes to you by direct message';
  // The export is not stored, so a successor would not know of it.
  return {
    text: `A notebook of ${count} is being written; ${where}. If the bot restarts before that, ask again.${older}`,
  };
}

async function findRuns(
  of: 'thread' | 'today',
  { timeZone }: Person,
  { channel, thread }: ExportPlace,
  bot: Bot,
): Promise<Run[]> {
  if (of === 'thread') {
    if (thread === undefined || thread === '')
      throw new UserError(
        'badCommand',
        'Say !export in a thread with answers, or export today for all of this channel’s runs of today.',
      );
    return await bot.runs.newest('thread', [channel, thread], MAX_RUNS + 1);
  }
  const day = dayIn(timeZone);
  const today = day(Date.now());
  const runs = await bot.runs.newest('channel', [channel], MAX_RUNS + 1);
  return runs.filter(({ createdAt }) => day(createdAt) === today);
}

/** The runs that have an answer, oldest first. Throws `UserError` if none has. */
function answeredRuns(found: Run[], where: string): Run[] {
  const remaining = withoutDeleted(found);
  // After an edit the answer belongs to the next run.
  const replaced = new Set(remaining.map(({ data }) => data.follows));
  const runs = remaining.filter(({ id }) => !replaced.has(id)).toReversed();
  if (runs.length === 0)
    throw new UserError('badCommand', `Nothing has run in ${where}, or it is no longer kept.`);
  return runs;
}

/** Formats a time as a day in this zone: `2026-03-02`. */
function dayIn(zone: string | undefined): (ms: number) => string {
  const timeZone = isTimeZone(zone) ? zone : 'UTC';
  const format = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
  return (ms) => format.format(ms);
}

async function sendNotebook(
  of: 'thread' | 'today',
  runs: readonly Run[],
  person: Person,
  { channel, thread }: ExportPlace,
  bot: Bot,
): Promise<void> {
  const day = dayIn(person.timeZone)(Date.now());
  // A direct message has no name.
  const name = (await bot.channels.find(channel).catch(() => undefined))?.name;
  const title = titleOf(of, name, day, runs.length, person);
  const { notebook, ran } = exportNotebook(title, await collectRuns(await whenPosted(runs, bot), bot));
  const folder = await mkdtemp(join(tmpdir(), 'sparkthread-export-'));
  try {
    const path = join(folder, 'export.ipynb');
    await pipeline(notebookText(notebook, ran), createWriteStream(path, { mode: 0o600 }));
    const filename = `${of === 'thread' ? 'thread' : (name ?? 'channel')}-${day}.ipynb`;
    const place = of === 'thread' && thread !== undefined ? { channel, thread } : { user: person.id };
    const reason = await bot.threads.attach(place, { path, filename });
    if (reason !== undefined)
      throw new UserError('notTaken', `The notebook could not be brought into Slack (${reason}). Try again.`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits for the files of runs that have just ended, which are posted after the answer. */
async function whenPosted(runs: readonly Run[], bot: Bot): Promise<Run[]> {
  return await Promise.all(
    runs.map(async (run) => {
      if (run.state !== 'ended') return run;
      await atMost(bot.untilPosted(run.id), POSTED_MS);
      return (await bot.runs.find(run.id)) ?? run;
    }),
  );
}

function titleOf(
  of: 'thread' | 'today',
  name: string | undefined,
  day: string,
  count: number,
  { name: who, id }: Person,
): string {
  const place = name === undefined ? 'direct messages' : `#${escapeMarkdown(name)}`;
  const what = of === 'thread' ? `A thread in ${place}` : `${place}, ${day}`;
  const runs = count === 1 ? 'One run' : `${count} runs`;
  return `# ${what}\n\n${runs}, exported from Slack by ${escapeMarkdown(who ?? id)} on ${day}.`;
}
