import { type ConversationsRepliesResponse, type FetchFunction, LogLevel, WebClient } from '@slack/web-api';
import type { KnownBlock } from '@slack/types';
import type { Log } from '../../log.ts';
import type { AnswerPlace } from '../../runs/run-view.ts';

/** A message to post or to put in an answer's place. */
export interface SlackMessage {
  text: string;
  blocks: KnownBlock[];
  metadata: { event_type: string; event_payload: Record<string, string | number> };
}

/** The calls that answers need. They reject with the client's errors (`readFailure`); nothing is retried here. */
export interface SlackCalls {
  post(place: AnswerPlace, message: SlackMessage): Promise<string>;
  update(channel: string, ts: string, message: SlackMessage): Promise<void>;
  /** The ts of a message of ours in the thread whose metadata fit; undefined when there is none. */
  find(
    place: AnswerPlace,
    eventType: string,
    payload: Record<string, string | number>,
  ): Promise<string | undefined>;
  /** The same for a message of ours outside threads, posted after `oldestS` (seconds since the epoch). */
  findRoot(
    channel: string,
    eventType: string,
    payload: Record<string, string | number>,
    oldestS: number,
  ): Promise<string | undefined>;
  /** The files that stand in the thread. */
  filesIn(place: AnswerPlace): Promise<{ id: string; name: string; size: number }[]>;
  tellPrivately(place: AnswerPlace, user: string, text: string): Promise<void>;
  readonly client: WebClient;
}

/**
 * A client of its own for answers: a 429 freezes a client's whole queue and its default policy repeats posts
 * (slack.md facts 2 and 3), so this one rejects at once, never repeats, and never delays anybody else's calls.
 */
export function startSlackCalls(options: {
  token: string;
  slackApiUrl?: string;
  fetch?: FetchFunction;
  timeoutMs: number;
  log: Log;
}): SlackCalls {
  const client = new WebClient(options.token, {
    ...(options.slackApiUrl === undefined ? {} : { slackApiUrl: options.slackApiUrl }),
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
    timeout: options.timeoutMs,
    logger: quietLogger(options.log),
  });
  return {
    client,
    async post(place, message) {
      const posted = await client.chat.postMessage({
        channel: place.channel,
        ...inThread(place),
        ...message,
        unfurl_links: false,
        unfurl_media: false,
      });
      if (posted.ts === undefined) throw new Error('chat.postMessage answered without a ts');
      return posted.ts;
    },
    async update(channel, ts, message) {
      await client.chat.update({ channel, ts, ...message });
    },
    async find(place, eventType, payload) {
      for await (const { ts, metadata } of repliesIn(client, place)) {
        if (isOurs(metadata, eventType, payload)) return ts;
      }
      return undefined;
    },
    async findRoot(channel, eventType, payload, oldestS) {
      let cursor: string | undefined;
      do {
        const page = await client.conversations.history({
          channel,
          oldest: String(oldestS),
          include_all_metadata: true,
          limit: 200,
          ...(cursor === undefined ? {} : { cursor }),
        });
        const found = page.messages?.find(({ metadata }) => isOurs(metadata, eventType, payload));
        if (found !== undefined) return found.ts;
        cursor = page.response_metadata?.next_cursor;
      } while (cursor !== undefined && cursor !== '');
      return undefined;
    },
    async filesIn(place) {
      const files: { id: string; name: string; size: number }[] = [];
      for await (const reply of repliesIn(client, place)) {
        for (const { id, name, size } of reply.files ?? []) {
          if (id !== undefined && name !== undefined && size !== undefined) files.push({ id, name, size });
        }
      }
      return files;
    },
    async tellPrivately(place, user, text) {
      try {
        await client.chat.postEphemeral({ channel: place.channel, ...inThread(place), user, text });
      } catch {
        const opened = await client.conversations.open({ users: user });
        await client.chat.postMessage({
          channel: opened.channel?.id ?? user,
          text,
          unfurl_links: false,
          unfurl_media: false,
        });
      }
    },
  };
}

/** A root message stands in no thread. */
function inThread({ thread }: AnswerPlace): { thread_ts?: string } {
  return thread === '' ? {} : { thread_ts: thread };
}

function isOurs(
  metadata: Reply['metadata'],
  eventType: string,
  payload: Record<string, string | number>,
): boolean {
  const content = metadata?.event_payload ?? {};
  return (
    metadata?.event_type === eventType &&
    Object.entries(payload).every(([key, value]) => Reflect.get(content, key) === value)
  );
}

type Reply = NonNullable<ConversationsRepliesResponse['messages']>[number];

async function* repliesIn(client: WebClient, place: AnswerPlace): AsyncGenerator<Reply> {
  let cursor: string | undefined;
  do {
    const page = await client.conversations.replies({
      channel: place.channel,
      ts: place.thread,
      include_all_metadata: true,
      limit: 200,
      ...(cursor === undefined ? {} : { cursor }),
    });
    yield* page.messages ?? [];
    cursor = page.response_metadata?.next_cursor;
  } while (cursor !== undefined && cursor !== '');
}

/** The client warns on the console about each failed call; who calls says it better. */
function quietLogger(log: Log) {
  return {
    debug: () => {},
    info: () => {},
    warn: (...words: unknown[]) => log.debug({ words: words.map(String) }, 'slack client'),
    error: (...words: unknown[]) => log.debug({ words: words.map(String) }, 'slack client'),
    setLevel: () => {},
    getLevel: () => LogLevel.ERROR,
    setName: () => {},
  };
}
