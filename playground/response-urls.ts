/** response_urls: five uses within 30 minutes, without channel membership (docs: handling user interaction). */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { readBlocks, type Block } from './blocks-schema.ts';
import type { Conversation } from './conversation.ts';
import type { Ephemeral, SlackMessage } from './messages.ts';
import type { World } from './world.ts';

/** Where the user acted. */
export interface ResponsePlace {
  readonly userId: string;
  readonly channelId: string;
  readonly threadTs?: string | undefined;
  /** The message that was pressed. */
  readonly message?: SlackMessage | undefined;
  readonly ephemeral?: Ephemeral | undefined;
}

const lifeMs = 30 * 60_000;
const maxUses = 5;

/** What a response_url and the acknowledgement of a command take. */
const responseBody = z.object({
  text: z.string().optional(),
  blocks: z.array(z.unknown()).optional(),
  attachments: z.array(z.unknown()).optional(),
  response_type: z.enum(['ephemeral', 'in_channel']).optional(),
  replace_original: z.boolean().optional(),
  delete_original: z.boolean().optional(),
  thread_ts: z.string().optional(),
});

export interface ResponseAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

interface Issued {
  readonly place: ResponsePlace;
  readonly issuedAtMs: number;
  uses: number;
}

export class ResponseUrls {
  readonly #world: World;
  readonly #conversation: Conversation;
  readonly #now: () => number;
  readonly #issued = new Map<string, Issued>();

  constructor(world: World, conversation: Conversation, now: () => number) {
    this.#world = world;
    this.#conversation = conversation;
    this.#now = now;
  }

  /** The path of a new address. */
  issue(place: ResponsePlace): string {
    const path = `/response/${this.#world.teamId}/${randomBytes(12).toString('hex')}`;
    this.#issued.set(path, { place, issuedAtMs: this.#now(), uses: 0 });
    return path;
  }

  receive(path: string, body: unknown): ResponseAnswer {
    const issued = this.#issued.get(path);
    if (issued === undefined) return refused(404, 'no_such_url');
    if (this.#now() - issued.issuedAtMs > lifeMs) return refused(404, 'expired_url');
    if (issued.uses >= maxUses) return refused(404, 'used_url');
    issued.uses += 1;
    return this.respond(issued.place, body);
  }

  /** Shows a response, also that of an acknowledgement. */
  respond(place: ResponsePlace, body: unknown): ResponseAnswer {
    const read = responseBody.safeParse(body);
    if (!read.success) return refused(400, 'invalid_payload');
    const { text = '', response_type: type, thread_ts: threadTs = place.threadTs } = read.data;
    if (read.data.delete_original === true) return this.#deleteOriginal(place);
    let blocks: Block[] | undefined;
    if (read.data.blocks !== undefined) {
      const verdict = readBlocks(read.data.blocks, 'message', () => this.#world.nextId('b'));
      if (!verdict.ok) return refused(400, verdict.error);
      blocks = verdict.blocks;
    }
    if (text === '' && blocks === undefined) return refused(400, 'no_text');
    if (read.data.replace_original === true) return this.#replaceOriginal(place, text, blocks);
    const channel = this.#world.channel(place.channelId);
    if (type === 'in_channel') this.#conversation.post(channel, this.#world.bot, { text, blocks, threadTs });
    else {
      this.#conversation.whisper({
        user: place.userId,
        channel: channel.id,
        ...(threadTs === undefined ? {} : { thread_ts: threadTs }),
        ...(this.#world.bot.botId === undefined ? {} : { bot_id: this.#world.bot.botId }),
        text,
        ...(blocks === undefined ? {} : { blocks }),
      });
    }
    return { status: 200, body: { ok: true } };
  }

  #deleteOriginal(place: ResponsePlace): ResponseAnswer {
    if (place.ephemeral !== undefined) {
      const isGone = !this.#conversation.unwhisper(place.ephemeral);
      return isGone ? refused(404, 'message_not_found') : { status: 200, body: { ok: true } };
    }
    if (!this.#isOurs(place.message)) return refused(404, 'message_not_found');
    this.#conversation.remove(place.message);
    return { status: 200, body: { ok: true } };
  }

  #replaceOriginal(place: ResponsePlace, text: string, blocks: Block[] | undefined): ResponseAnswer {
    if (place.ephemeral !== undefined) {
      this.#conversation.rewhisper(place.ephemeral, text, blocks);
      return { status: 200, body: { ok: true } };
    }
    if (!this.#isOurs(place.message)) return refused(404, 'message_not_found');
    this.#conversation.edit(place.message, this.#world.bot, { text, blocks });
    return { status: 200, body: { ok: true } };
  }

  #isOurs(message: SlackMessage | undefined): message is SlackMessage {
    if (message === undefined || message.bot_id !== this.#world.bot.botId) return false;
    return this.#world.timeline(message.channel).find(message.ts) === message;
  }
}

function refused(status: number, error: string): ResponseAnswer {
  return { status, body: { ok: false, error } };
}
