import type { Keyv } from 'keyv';
import { z } from 'zod';
import { type EditBudget, slackEdits, startEditBudget } from './edit-limiter.ts';
import { type ShareEdits, startSharedEditBudget } from './shared-edit-budget.ts';

/** Where it is kept what was edited in the last minute, for whoever comes after this process or works beside it. */
export type EditStore =
  | { kind: 'shared'; share: (workspace: string) => ShareEdits }
  /** This process is alone, and `kept` outlives it. */
  | { kind: 'alone'; kept: Keyv };

const times = z.array(z.number());

/** The budget of a workspace, with what processes before this one have used up of it. */
export async function openEditBudget(
  store: EditStore,
  workspace: string,
  now: () => number = Date.now,
): Promise<EditBudget> {
  if (store.kind === 'shared')
    return startSharedEditBudget({ share: store.share(workspace), own: startEditBudget(now), now });
  const { kept } = store;
  // A store that does not answer costs at most some edits that Slack refuses.
  const known = times.safeParse(await kept.get(workspace).catch(() => undefined));
  return startEditBudget(now, slackEdits, {
    taken: known.success ? known.data : [],
    keep: (taken) => void kept.set(workspace, taken, slackEdits.windowMs).catch(() => false),
  });
}
