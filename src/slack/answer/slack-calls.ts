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
        thread_ts: place.thread,
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
        const content = metadata?.event_payload ?? {};
        const isOurs = Object.entries(payload).every(([key, value]) => Reflect.get(content, key) === value);
        if (metadata?.event_type === eventType && isOurs) return ts;
      }
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
        await client.chat.postEphemeral({ channel: place.channel, thread_ts: place.thread, user, text });
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
