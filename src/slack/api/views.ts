import { setTimeout as sleep } from 'node:timers/promises';
import type { HomeView, ModalView } from '@slack/types';
import { type FetchFunction, WebClient } from '@slack/web-api';
import type { Log } from '../../log.ts';
import { brokenText, refusalText } from '../blocks/error-text.ts';
import { renderSentence } from '../blocks/modals/message.ts';

/** Modals and home tabs. */
export interface Surfaces {
  /**
   * Opens a modal. A trigger lives for 3 s (slack.md §2): what takes longer to prepare is put in the place of one that
   * asks to wait. Rejects with what `prepare` rejects with, as long as nothing is open; later it is said in the modal.
   */
  openModal(triggerId: string, prepare: () => Promise<ModalView>): Promise<void>;
  publishHome(user: string, view: HomeView): Promise<void>;
}

/** What is prepared within this time is opened at once. */
const QUICK_MS = 800;
const CALL_TIMEOUT_MS = 5_000;

/** A client of its own: a 429 on another call would freeze it past the life of a trigger (slack.md fact 2). */
export function startSurfaces(options: {
  token: string;
  apiUrl: string | undefined;
  fetch: FetchFunction | undefined;
  log: Log;
}): Surfaces {
  const { token, apiUrl, fetch, log } = options;
  const client = new WebClient(token, {
    ...(apiUrl === undefined ? {} : { slackApiUrl: apiUrl }),
    ...(fetch === undefined ? {} : { fetch }),
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
    timeout: CALL_TIMEOUT_MS,
  });
  return {
    async openModal(triggerId, prepare) {
      const preparing = prepare();
      const quick = await Promise.race([preparing, sleep(QUICK_MS, undefined)]);
      if (quick !== undefined) {
        await client.views.open({ trigger_id: triggerId, view: quick });
        return;
      }
      const opening = client.views.open({ trigger_id: triggerId, view: renderSentence('One moment …') });
      const [prepared, opened] = await Promise.allSettled([preparing, opening]);
      if (opened.status === 'rejected') throw opened.reason;
      const view =
        prepared.status === 'fulfilled' ? prepared.value : renderSentence(words(prepared.reason, log));
      const viewId = opened.value.view?.id;
      if (viewId !== undefined) await client.views.update({ view_id: viewId, view });
    },
    async publishHome(user, view) {
      await client.views.publish({ user_id: user, view });
    },
  };
}

function words(error: unknown, log: Log): string {
  const text = refusalText(error);
  if (text === undefined) log.error({ err: error }, 'a modal broke');
  return text ?? brokenText;
}
