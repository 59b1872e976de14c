import type { HomeView } from '@slack/types';
import { z } from 'zod';
import type { KernelStatus } from '../../../runs/control.ts';
import { withoutDeleted } from '../../../runs/run.ts';
import { type Person, refuse } from '../../auth/policy.ts';
import { renderClosedHome, renderHome } from '../../blocks/home.ts';
import type { Bot } from '../../context.ts';
import { withBoundary } from '../boundary.ts';
import { describeSchedules } from '../schedules.ts';

const openedSchema = z.object({
  type: z.literal('app_home_opened'),
  user: z.string(),
  tab: z.literal('home'),
});

/** What the home tab shows at most; it holds 100 blocks. */
const SHOWN_KERNELS = 15;
const SHOWN_RUNS = 10;
const SHOWN_SAVED = 10;
const SHOWN_SCHEDULES = 10;

/**
 * Does not wait for the tab: Slack repeats an event that is not acknowledged within 3 s, and the gateway may be slow.
 */
export function onHomeOpened(event: unknown, bot: Bot): void {
  const opened = openedSchema.safeParse(event).data;
  if (opened !== undefined) void refreshHome(opened.user, bot, undefined);
}

/** Publishes a person's home tab; `notice` is the result of a press there. Never rejects. */
export async function refreshHome(user: string, bot: Bot, notice: string | undefined): Promise<void> {
  // In order, so that no view that Slack took late replaces a newer one.
  await bot.memory.mutex.run(`home/${user}`, async () => {
    await withBoundary({ what: 'a home tab' }, bot, async () => {
      await bot.views.publishHome(user, await homeOf(await bot.users.find(user), bot, notice));
    });
  });
}

async function homeOf(person: Person, bot: Bot, notice: string | undefined): Promise<HomeView> {
  const refused = refuse('look', person, undefined, bot.policy);
  if (refused !== undefined) return renderClosedHome(refused);
  const [kernels, runs, saved, schedules] = await Promise.all([
    ofChannels(bot.control.kernels(bot.workspace), ({ startedBy }) => startedBy, person, bot),
    bot.runs.newest('requester', [person.id], SHOWN_RUNS),
    ofChannels(bot.saved.all(), ({ savedBy }) => savedBy, person, bot),
    ofChannels(bot.schedules.all(), ({ maker }) => maker, person, bot),
  ]);
  const statuses = await bot.control.statusOf(kernels.slice(0, SHOWN_KERNELS));
  return renderHome({
    botUserId: bot.userId,
    notice,
    kernels: statuses.map((status) => ({ status, mayChange: mayChange(status, person, bot) })),
    runs: withoutDeleted(runs),
    saved: saved.toSorted((a, b) => b.savedAt - a.savedAt).slice(0, SHOWN_SAVED),
    schedules: await describeSchedules(schedules.slice(0, SHOWN_SCHEDULES), bot),
    counts: { kernels: kernels.length, saved: saved.length, schedules: schedules.length },
    workspaceUrl: bot.workspaceUrl,
    now: Date.now(),
  });
}

/**
 * Those of the channels that this person is in. In a direct message its one person made them, so Slack is not asked.
 */
async function ofChannels<Kept extends { channel: string }>(
  all: readonly Kept[],
  madeBy: (each: Kept) => string,
  { id }: Person,
  { channels }: Bot,
): Promise<Kept[]> {
  const isMine = await Promise.all(
    all.map(async (each) =>
      each.channel.startsWith('D') ? madeBy(each) === id : await channels.isMember(each.channel, id),
    ),
  );
  return all.filter((_, index) => isMine[index]);
}

function mayChange({ record }: KernelStatus, person: Person, { policy }: Bot): boolean {
  return (['restart', 'shutDown'] as const).every(
    (action) => refuse(action, person, record.channel, policy) === undefined,
  );
}
