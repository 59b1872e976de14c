import { randomUUID } from 'node:crypto';
import type { HomeView, ModalView } from '@slack/types';
import type { WebClient } from '@slack/web-api';
import type { Keyv } from 'keyv';
import { z } from 'zod';
import { UserError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { PostedNotebook } from '../../notebooks/model.ts';
import { atMost } from '../../waits.ts';
import { renderSentence } from '../blocks/elements.ts';
import { BROKEN_TEXT, refusalText } from '../blocks/refusals.ts';
import { refusedAs } from './call-error.ts';

export type Views = ReturnType<typeof createViews>;

/** What is prepared within this time is opened at once. */
const QUICK_MS = 800;

/** Modals and home tabs. `client` is one of its own: a 429 on another call would hold it up past the life of a trigger_id. */
export function createViews(client: WebClient, log: Log) {
  /** Puts another picture in the place of an open modal; nothing where it is closed by now. */
  const updateModal = async (viewId: string, ready: ModalView): Promise<void> => {
    try {
      await sendView(ready, (view) => client.views.update({ view_id: viewId, view }));
    } catch (error) {
      if (refusedAs(error) !== 'not_found') throw error;
    }
  };
  return {
    /**
     * Opens a modal. A trigger_id expires after 3 s: what takes longer to prepare replaces a modal that asks to wait.
     * Rejects with what `prepare` rejects with, as long as nothing is open; later it is said in the modal.
     */
    async openModal(triggerId: string, prepare: () => Promise<ModalView>): Promise<void> {
      const preparing = prepare();
      const quick = await atMost(preparing, QUICK_MS);
      const open = (ready: ModalView) =>
        sendView(ready, (view) => client.views.open({ trigger_id: triggerId, view })).catch(whyUnopened);
      if (quick !== undefined) {
        await open(quick);
        return;
      }
      const opening = open(renderSentence('One moment …'));
      const [prepared, opened] = await Promise.allSettled([preparing, opening]);
      if (opened.status === 'rejected') throw opened.reason;
      const ready =
        prepared.status === 'fulfilled' ? prepared.value : renderSentence(words(prepared.reason, log));
      const viewId = opened.value.view?.id;
      if (viewId !== undefined) await updateModal(viewId, ready);
    },
    updateModal,
    async publishHome(user: string, view: HomeView): Promise<void> {
      await client.views.publish({ user_id: user, view });
    },
  };
}

/** Where Slack does not take the field for a file, the modal is sent without. */
async function sendView<Sent>(view: ModalView, send: (view: ModalView) => Promise<Sent>): Promise<Sent> {
  try {
    return await send(view);
  } catch (error) {
    const blocks = view.blocks.filter(
      (block) => block.type !== 'input' || !('element' in block) || block.element.type !== 'file_input',
    );
    const isRefused = refusedAs(error) === 'invalid_arguments';
    if (!isRefused || blocks.length === view.blocks.length || blocks.length === 0) throw error;
    return await send({ ...view, blocks });
  }
}

/** Slack waits 3 s for a window; a view that it finds wrong is a fault of ours. */
function whyUnopened(error: unknown): never {
  if (refusedAs(error)?.includes('trigger') === false) throw error;
  throw new UserError('notTaken', 'Slack did not open the window in time. Nothing ran; try again.');
}

function words(error: unknown, log: Log): string {
  const text = refusalText(error);
  if (text === undefined) log.error({ event: 'modal.broken', err: error }, 'a modal broke');
  return text ?? BROKEN_TEXT;
}

const DRAFT_MS = 60 * 60_000;

const draftSchema = z.object({
  channel: z.string(),
  thread: z.string(),
  blocks: z.array(z.string()),
  notebook: z.custom<PostedNotebook>((value) => typeof value === 'object').optional(),
  /** The requester's own message that the code stands in. */
  message: z.string().optional(),
});
export type Draft = z.infer<typeof draftSchema>;

export type Drafts = ReturnType<typeof createDrafts>;

/** Code that waits until its requester has chosen a language; a modal has no room for it. Forgotten after an hour. */
export function createDrafts(keyv: Keyv) {
  return {
    async keep(draft: Draft): Promise<string> {
      const id = randomUUID();
      await keyv.set(id, draft, DRAFT_MS);
      return id;
    },
    find: async (id: string) => draftSchema.safeParse(await keyv.get(id)).data,
  };
}
