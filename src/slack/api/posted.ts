import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { KnownBlock } from '@slack/types';
import type { ConversationsRepliesResponse, WebAPICallResult, WebClient } from '@slack/web-api';
import { readCallError } from './call-error.ts';

/** What a message of the bot's own is known by. */
export interface Metadata {
  event_type: string;
  event_payload: Record<string, string | number>;
}

/** What of a run a message of the bot's is, so that it is found again. */
export function metadataOf(
  what: 'answer' | 'root' | 'done' | 'table',
  run: string,
  more: Metadata['event_payload'] = {},
): Metadata {
  return { event_type: `sparkthread_${what}`, event_payload: { run, ...more } };
}

/** A message to post or to put in another's place. */
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

/** What a message says; only a run's messages carry metadata of their own. */
export type Said = Pick<SlackMessage, 'text'> & Partial<SlackMessage>;

/** Gives its ts. Rejects with the client's errors. */
export async function postMessage(client: WebClient, place: Place, said: Said): Promise<string> {
  const where = { channel: place.channel, ...inThread(place) };
  const { ts } = await client.chat.postMessage({
    ...where,
    ...said,
    unfurl_links: false,
    unfurl_media: false,
  });
  if (ts === undefined) throw new Error('chat.postMessage answered without a ts');
  return ts;
}

/** So often a post is made of which Slack gave no answer, and which is not there. */
const POST_TRIES = 3;
const POST_AGAIN_MS = 200;

/** Posts it once: where Slack's answer is lost it is looked for before it is posted again. Gives its ts. */
export async function postOnce(client: WebClient, place: Place, said: Said): Promise<string> {
  const metadata = { event_type: 'sparkthread_notice', event_payload: { notice: randomUUID() } };
  const sinceMs = Date.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await postMessage(client, place, { ...said, metadata });
    } catch (error) {
      if (readCallError(error).kind !== 'unclear') throw error;
      await delay(POST_AGAIN_MS * attempt);
      // By a person's id nothing can be looked for: better twice than never.
      const isPerson = place.channel.startsWith('U') || place.channel.startsWith('W');
      const found = isPerson
        ? undefined
        : await findPosted(client, place, metadata, sinceMs).catch(() => Promise.reject(error));
      if (found !== undefined) return found.ts;
      if (attempt === POST_TRIES) throw error;
    }
  }
}

/** Clocks differ: how much earlier than by ours a message may seem to have been posted. */
const CLOCK_SKEW_MS = 60_000;

/** A message of ours, but not `exceptTs`, whose metadata have all of these; outside threads one posted since `sinceMs`. */
export async function findPosted(
  client: WebClient,
  place: Place,
  { event_type, event_payload }: Metadata,
  sinceMs: number,
  exceptTs?: string,
): Promise<{ ts: string; isFinal: boolean } | undefined> {
  for await (const { ts, metadata } of readMessages(client, place, sinceMs - CLOCK_SKEW_MS)) {
    const payload = new Map(Object.entries(metadata?.event_payload ?? {}));
    const isOurs = Object.entries(event_payload).every(([key, value]) => payload.get(key) === value);
    if (ts !== undefined && ts !== exceptTs && metadata?.event_type === event_type && isOurs)
      return { ts, isFinal: payload.get('state') === 'final' };
  }
  return undefined;
}

/** Of a thread, oldest first; outside threads those since then (ms since the epoch), newest first. */
export async function* readMessages(client: WebClient, place: Place, sinceMs: number): AsyncGenerator<Reply> {
  const { channel, thread } = place;
  const asked = { channel, include_all_metadata: true, limit: 200 };
  const pages =
    thread === ''
      ? pagesOf((at) => client.conversations.history({ ...asked, ...at, oldest: String(sinceMs / 1000) }))
      : pagesOf((at) => client.conversations.replies({ ...asked, ...at, ts: thread }));
  for await (const { messages = [] } of pages) yield* messages;
}

/** The answers of a method that gives what it has page by page. */
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
