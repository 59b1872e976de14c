/** How a method of the Web API is declared: its scopes, its arguments, what it does. */
import { z } from 'zod';
import { type Block, readBlocks } from '../blocks-schema.ts';
import type { Channel } from '../people.ts';
import type { Service } from '../service.ts';

export type Answer = Record<string, unknown>;

/** `{ ok: false, error }` and what else Slack adds. */
export class Refusal extends Error {
  readonly error: string;
  readonly details: Answer;

  constructor(error: string, details: Answer = {}) {
    super(error);
    this.error = error;
    this.details = details;
  }
}

export interface Method {
  readonly token: 'bot' | 'app';
  /** One of these is enough; empty: none is needed. */
  readonly scopes: readonly string[];
  /** Whether JSON bodies are accepted; most reading methods take forms only. */
  readonly takesJson: boolean;
  call(service: Service, raw: Readonly<Record<string, unknown>>): { answer: Answer; ignored: string[] };
}

export type Methods = Readonly<Record<string, Method>>;

export function method<Shape extends z.ZodRawShape>(about: {
  readonly token?: 'bot' | 'app';
  readonly scopes?: readonly string[];
  readonly takesJson?: boolean;
  readonly args: Shape;
  readonly run: (service: Service, args: z.infer<z.ZodObject<Shape>>) => Answer;
}): Method {
  const schema = z.object(about.args);
  const known = new Set(['token', ...Object.keys(about.args)]);
  return {
    token: about.token ?? 'bot',
    scopes: about.scopes ?? [],
    takesJson: about.takesJson ?? false,
    call(service, raw) {
      const given = Object.fromEntries(
        Object.entries(raw).filter(([, value]) => value !== null && value !== undefined),
      );
      const read = schema.safeParse(given);
      if (!read.success) throw new Refusal('invalid_arguments', worded(read.error, given));
      const ignored = Object.keys(given).filter((name) => !known.has(name));
      return { answer: about.run(service, read.data), ignored };
    },
  };
}

function worded(error: z.ZodError, given: Readonly<Record<string, unknown>>): Answer {
  const messages = error.issues.map((issue) => {
    const name = String(issue.path[0]);
    return name in given
      ? `[ERROR] ${issue.message} [json-pointer:/${issue.path.map(String).join('/')}]`
      : `[ERROR] missing required field: ${name}`;
  });
  return { response_metadata: { messages } };
}

// Arguments come as text in forms and as values in JSON; these read both.
export const text = z.coerce.string();
export const flag = z.preprocess((value) => {
  if (value === 'true' || value === '1' || value === 1) return true;
  return value === 'false' || value === '0' || value === 0 ? false : value;
}, z.boolean());
export const count = z.coerce.number().int();

export const json = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value, context) => {
    if (typeof value !== 'string') return value;
    try {
      const parsed: unknown = JSON.parse(value);
      return parsed;
    } catch {
      context.addIssue({ code: 'custom', message: 'must be valid JSON' });
      return z.NEVER;
    }
  }, schema);

/** The channel as the bot may see it: an unknown one and a private one without the bot look the same. */
export function visibleChannel(service: Service, reference: string): Channel {
  const { world } = service;
  const channel = world.channels.get(reference);
  if (channel === undefined) throw new Refusal('channel_not_found');
  if (channel.kind !== 'public' && !channel.members.has(world.bot.id)) throw new Refusal('channel_not_found');
  return channel;
}

export function joinedChannel(service: Service, reference: string): Channel {
  const channel = visibleChannel(service, reference);
  if (!channel.members.has(service.world.bot.id)) throw new Refusal('not_in_channel');
  return channel;
}

/** The blocks of a message, or Slack's refusal; pictures of files have to be processed. */
export function messageBlocks(service: Service, value: unknown): Block[] {
  const verdict = readBlocks(value, 'message', () => service.world.nextId('b'));
  if (!verdict.ok) {
    const messages = verdict.messages;
    throw new Refusal(
      verdict.error,
      messages.length > 0 ? { errors: messages, response_metadata: { messages } } : {},
    );
  }
  for (const [index, block] of verdict.blocks.entries()) {
    if (block.type !== 'image' || block.slack_file === undefined) continue;
    const { id, url } = block.slack_file;
    const stored = [...service.world.files.values()].find(
      ({ file }) => file.id === id || file.url_private === url,
    );
    if (stored?.processed !== true || !/^image\/(png|jpeg|gif)$/.test(stored.file.mimetype)) {
      const messages = [`[ERROR] invalid slack file [json-pointer:/blocks/${index}/slack_file]`];
      throw new Refusal('invalid_blocks', { errors: messages, response_metadata: { messages } });
    }
  }
  return verdict.blocks;
}

/** One page of a list and the cursor of the next (`response_metadata.next_cursor`). */
export function paged<T>(
  items: readonly T[],
  limit: number,
  cursor: string | undefined,
): { page: T[]; next: string } {
  const start = cursor === undefined || cursor === '' ? 0 : Number(Buffer.from(cursor, 'base64').toString());
  if (!Number.isInteger(start) || start < 0) throw new Refusal('invalid_cursor');
  const end = start + limit;
  return {
    page: items.slice(start, end),
    next: end < items.length ? Buffer.from(String(end)).toString('base64') : '',
  };
}
