import type { HomeView } from '@slack/types';
import { z } from 'zod';
import type { KernelStatus } from '../../../runs/control.ts';
import type { Bot } from '../../context.ts';
import { type Person, refuse } from '../../auth/policy.ts';
import { renderClosedHome, renderHome } from '../../blocks/home.ts';

const openedSchema = z.object({
  type: z.literal('app_home_opened'),
  user: z.string(),
  tab: z.literal('home'),
});

/** How many kernels and runs the home tab shows; it holds 100 blocks. */
const SHOWN_KERNELS = 15;
const SHOWN_RUNS = 10;

export async function onHomeOpened(event: unknown, bot: Bot): Promise<void> {
  const opened = openedSchema.safeParse(event).data;
  if (opened === undefined) return;
  await showHome(opened.user, bot, undefined).catch((error: unknown) =>
    bot.log.warn({ err: error, user: opened.user }, 'a home tab could not be shown'),
  );
}

/** Publishes a person's home tab; `notice` is what came of a press there. */
export async function showHome(user: string, bot: Bot, notice: string | undefined): Promise<void> {
  await bot.surfaces.publishHome(user, await homeOf(await bot.people.find(user), bot, notice));
}

async function homeOf(person: Person, bot: Bot, notice: string | undefined): Promise<HomeView> {
  const refused = refuse('look', person, undefined, bot.policy);
  if (refused !== undefined) return renderClosedHome(refused);
  const [kernels, runs] = await Promise.all([
    kernelsOf(person, bot),
    bot.requesterRuns(person.id, SHOWN_RUNS),
  ]);
  return renderHome({
    notice,
    kernels: kernels.map((status) => ({ status, mayChange: mayChange(status, person, bot) })),
    runs,
    workspaceUrl: bot.workspaceUrl,
    now: Date.now(),
  });
}

/** The kernels of the channels that this person is in. */
async function kernelsOf(person: Person, bot: Bot): Promise<KernelStatus[]> {
  const records = await bot.control.kernels(bot.workspace);
  const isMine = await Promise.all(records.map(({ channel }) => bot.channels.isMember(channel, person.id)));
  return await bot.control.statusOf(records.filter((_, index) => isMine[index]).slice(0, SHOWN_KERNELS));
}

function mayChange({ record }: KernelStatus, person: Person, { policy }: Bot): boolean {
  return (['restart', 'shutDown'] as const).every(
    (action) => refuse(action, person, record.channel, policy) === undefined,
  );
}
