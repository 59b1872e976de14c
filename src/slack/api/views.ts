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
import { refusedAs, withRetries } from './call-error.ts';

export type Views = ReturnType<typeof createViews>;

/** A modal that is ready within this time is opened at once. */
const QUICK_MS = 800;

/**
 * Modals and home tabs. `client` is used for nothing else: after a 429 on another call it would pause until a
 * trigger_id has expired.
 */
export function createViews(client: WebClient, log: Log) {
  /** Updates an open modal, which unlike opening one has no deadline; does nothing if it was closed. */
  const updateModal = async (viewId: string, ready: ModalView): Promise<void> => {
    try {
      await sendView(ready, (view) => withRetries(() => client.views.update({ view_id: viewId, view })));
    } catch (error) {
      if (refusedAs(error) !== 'not_found') throw error;
    }
  };
  return {
    /**
     * Opens a modal. A trigger_id expires after 3 s, so while `prepare` takes long a modal that asks to wait is opened
     * and then updated. Rejects if `prepare` rejects before anything is open; later the modal shows the error.
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
      await withRetries(() => client.views.publish({ user_id: user, view }));
    },
  };
}

/** Sends a view, without its field for a file if Slack refuses that. */
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

/** An expired trigger_id or a missing answer is told to the person; any other refusal is a bug. */
function whyUnopened(error: unknown): never {
  if (refusedAs(error)?.includes('trigger') === false) throw error;
  throw new UserError('notTaken', 'Slack did not open the window in time. Nothing ran; try again.');
}

function words(error: unknown, log: Log): string {
  const text = refusalText(error);
  if (text === undefined) log.error({ event: 'modal.broken', err: error }, 'a modal could not be prepared');
  return text ?? BROKEN_TEXT;
}

const DRAFT_MS = 60 * 60_000;

const draftSchema = z.object({
  channel: z.string(),
  thread: z.string(),
  blocks: z.array(z.string()),
  notebook: z.custom<PostedNotebook>((value) => typeof value === 'object').optional(),
  /** The message with the code, if the requester wrote it. */
  message: z.string().optional(),
});
export type Draft = z.infer<typeof draftSchema>;

export type Drafts = ReturnType<typeof createDrafts>;

/** Keeps code for an hour while its requester chooses a language; a modal has no room for it. */
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
