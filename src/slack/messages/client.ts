import { setTimeout as delay } from 'node:timers/promises';
import type { FetchFunction, WebClient } from '@slack/web-api';
import type { Log } from '../../log.ts';
import { type CallError, readCallError, withRetries } from '../api/call-error.ts';
import { createNotify, type Notify } from '../api/notify.ts';
import { type Place, postMessage, readMessages, type Content, type SlackMessage } from '../api/posted.ts';
import { withoutLanguages } from '../blocks/rich-text.ts';
import { openClient, type SlackFetch } from '../transport/network.ts';

export interface MessageClientOptions {
  botToken: string;
  /** By default slack.com. */
  apiUrl?: string | undefined;
  /** For calls of the Web API; by default the global fetch. */
  fetch?: FetchFunction;
  /** For uploads; by default the global fetch. */
  transfer?: SlackFetch;
  log: Log;
  timeoutMs?: number;
}

/**
 * The calls for run messages. They reject with the client's errors (`readCallError`). They have their own client,
 * because by default a 429 pauses a client's whole queue and posts are repeated (slack.md facts 2 and 3): this one
 * rejects at once, and never repeats.
 */
export class MessageClient {
  readonly client: WebClient;
  readonly transfer: SlackFetch;
  readonly notify: Notify;
  /**
   * Undefined until Slack has taken or refused a data table. After it has taken one, a refusal concerns that table
   * alone.
   */
  takesDataTables: boolean | undefined;
  readonly #log: Log;
  #refusesLanguages = false;

  constructor(options: MessageClientOptions) {
    const { fetch, log, timeoutMs } = options;
    this.transfer = options.transfer ?? globalThis.fetch;
    this.#log = log;
    this.client = openClient(options, log, {
      fetch,
      isUrgent: true,
      isQuiet: true,
      retryConfig: { retries: 0 },
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    });
    this.notify = createNotify(this.client, log);
  }

  /** Returns the ts. */
  async post(place: Place, message: Content): Promise<string> {
    return await this.#taken(message, (taken) => postMessage(this.client, place, taken));
  }

  async update(channel: string, ts: string, message: SlackMessage): Promise<void> {
    await this.#taken(message, (taken) => this.client.chat.update({ channel, ts, ...taken }));
  }

  /** Does nothing if the message is gone already. */
  async remove(channel: string, ts: string): Promise<void> {
    try {
      await this.client.chat.delete({ channel, ts });
    } catch (error) {
      const failure = readCallError(error);
      if (failure.kind !== 'refused' || failure.refusal !== 'messageGone') throw error;
    }
  }

  /** The files in a thread after the message `after`; `shown`: the ids of all files in the same message. */
  async filesIn(
    place: Place,
    after = '0',
  ): Promise<{ id: string; name: string; size: number; shown: Set<string> }[]> {
    const files: Awaited<ReturnType<MessageClient['filesIn']>> = [];
    for await (const message of readMessages(this.client, place, 0)) {
      if (Number(message.ts) <= Number(after)) continue;
      const shown = new Set((message.files ?? []).flatMap(({ id }) => id ?? []));
      for (const { id, name, size } of message.files ?? []) {
        if (id !== undefined && name !== undefined && size !== undefined)
          files.push({ id, name, size, shown });
      }
    }
    return files;
  }

  /** The id of the direct message channel with a user. */
  async openDirect(user: string): Promise<string> {
    const { channel } = await withRetries(() => this.client.conversations.open({ users: user }));
    return channel?.id ?? user;
  }

  /**
   * Sends a message. If Slack refuses its blocks with a `language` and takes them without, no further message has one.
   */
  async #taken<M extends Partial<SlackMessage>, T>(message: M, send: (message: M) => Promise<T>): Promise<T> {
    const { blocks = [] } = message;
    const plain = withoutLanguages(blocks);
    if (plain === blocks) return await this.#logged(send(message));
    if (this.#refusesLanguages) return await this.#logged(send({ ...message, blocks: plain }));
    try {
      return await this.#logged(send(message));
    } catch (error) {
      const failure = readCallError(error);
      if (failure.kind !== 'refused' || !failure.code.startsWith('invalid_')) throw error;
      const sent = await this.#logged(send({ ...message, blocks: plain }));
      this.#refusesLanguages = true;
      return sent;
    }
  }

  async #logged<T>(sending: Promise<T>): Promise<T> {
    return await sending.catch((error: unknown) => {
      const failure = readCallError(error);
      const isTold =
        failure.kind === 'refused' && (failure.reasons.length > 0 || failure.refusal === 'token');
      if (isTold)
        this.#log.warn(
          { event: 'message.refused', code: failure.code, reasons: failure.reasons },
          'Slack refused a message and said why',
        );
      throw error;
    });
  }
}

/** How often a channel that Slack does not find is tried again: for 7 s in all. */
const CHANNEL_TRIES = 3;

/**
 * Whether a refusal may be over soon: an operator corrects a token, and the event with a channel's new id may be on its
 * way (slack.md fact 11).
 */
export function mayPass({ code, refusal }: CallError & { kind: 'refused' }, failures: number): boolean {
  return refusal === 'token' || (code === 'channel_not_found' && failures < CHANNEL_TRIES);
}

/** Waits before each further try; false once `count` tries were made. */
export function tries(count: number): (ms: number) => Promise<boolean> {
  let tried = 0;
  return async (ms) => {
    await delay(ms);
    return (tried += 1) < count;
  };
}
