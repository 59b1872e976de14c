import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { KnownBlock } from '@slack/types';
import type { ConversationsRepliesResponse, WebAPICallResult, WebClient } from '@slack/web-api';
import { readCallError } from './call-error.ts';

/** Slack's message metadata, by which the bot finds its own messages again. */
export interface Metadata {
  event_type: string;
  event_payload: Record<string, string | number>;
}

/** The metadata of a message that belongs to a run. */
export function metadataOf(
  what: 'answer' | 'root' | 'done' | 'table',
  run: string,
  more: Metadata['event_payload'] = {},
): Metadata {
  return { event_type: `sparkthread_${what}`, event_payload: { run, ...more } };
}

/** A message to post or to update. */
export interface SlackMessage {
  /** Read by screen readers and notifications, which do not see the blocks. */
  text: string;
  blocks: KnownBlock[];
  metadata: Metadata;
}

/** Where a message goes. `thread`: the ts of its first message; '' for a message outside threads. */
export interface Place {
  channel: string;
  thread: string;
}

export type Reply = NonNullable<ConversationsRepliesResponse['messages']>[number];

export function inThread({ thread = '' }: { thread?: string | undefined }): { thread_ts?: string } {
  return thread === '' ? {} : { thread_ts: thread };
}

/** The content of any message; only messages of runs have metadata of their own. */
export type Content = Pick<SlackMessage, 'text'> & Partial<SlackMessage>;

/** Returns the ts. Rejects with the client's errors. */
export async function postMessage(client: WebClient, place: Place, content: Content): Promise<string> {
  const where = { channel: place.channel, ...inThread(place) };
  const { ts } = await client.chat.postMessage({
    ...where,
    ...content,
    unfurl_links: false,
    unfurl_media: false,
  });
  if (ts === undefined) throw new Error('chat.postMessage answered without a ts');
  return ts;
}

/** How often a post is tried while Slack gives no answer and the message is not found. */
const POST_TRIES = 3;
const POST_AGAIN_MS = 200;

/**
 * Posts a message once: if Slack's answer is lost, the message is looked for before it is posted again. Returns the ts.
 */
export async function postOnce(client: WebClient, place: Place, content: Content): Promise<string> {
  const metadata = { event_type: 'sparkthread_notice', event_payload: { notice: randomUUID() } };
  const sinceMs = Date.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await postMessage(client, place, { ...content, metadata });
    } catch (error) {
      if (readCallError(error).kind !== 'unclear') throw error;
      await delay(POST_AGAIN_MS * attempt);
      // The history of a direct message cannot be read by the person's id: better twice than never.
      const isPerson = place.channel.startsWith('U') || place.channel.startsWith('W');
      const found = isPerson
        ? undefined
        : await findPosted(client, place, metadata, sinceMs).catch(() => Promise.reject(error));
      if (found !== undefined) return found;
      if (attempt === POST_TRIES) throw error;
    }
  }
}

/** How far Slack's clock may be behind ours. */
const CLOCK_SKEW_MS = 60_000;

/**
 * Finds the ts of the bot's message with this metadata, other than those in `except`; outside threads only among
 * messages since `sinceMs`.
 */
export async function findPosted(
  client: WebClient,
  place: Place,
  { event_type, event_payload }: Metadata,
  sinceMs: number,
  except: ReadonlySet<string> = new Set(),
): Promise<string | undefined> {
  for await (const { ts, metadata } of readMessages(client, place, sinceMs - CLOCK_SKEW_MS)) {
    const payload = new Map(Object.entries(metadata?.event_payload ?? {}));
    const isOurs = Object.entries(event_payload).every(([key, value]) => payload.get(key) === value);
    if (ts !== undefined && !except.has(ts) && metadata?.event_type === event_type && isOurs) return ts;
  }
  return undefined;
}

/** The messages of a thread, oldest first; outside threads those of the channel since `sinceMs`, newest first. */
export async function* readMessages(client: WebClient, place: Place, sinceMs: number): AsyncGenerator<Reply> {
  const { channel, thread } = place;
  const asked = { channel, include_all_metadata: true, limit: 200 };
  const pages =
    thread === ''
      ? pagesOf((at) => client.conversations.history({ ...asked, ...at, oldest: String(sinceMs / 1000) }))
      : pagesOf((at) => client.conversations.replies({ ...asked, ...at, ts: thread }));
  for await (const { messages = [] } of pages) yield* messages;
}

/** All pages of a method's answer. */
export async function* pagesOf<Page extends WebAPICallResult>(
  ask: (at: { cursor?: string }) => Promise<Page>,
): AsyncGenerator<Page> {
  let cursor = '';
  do {
    const page = await ask(cursor === '' ? {} : { cursor });
    yield page;
    cursor = page.response_metadata?.next_cursor ?? '';
  } while (cursor !== '');
}
