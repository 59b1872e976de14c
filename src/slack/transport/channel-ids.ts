import type { FetchFunction } from '@slack/web-api';
import { answerOf } from './network.ts';

/** What an id of a channel stands between in JSON and in text, where it means the channel. */
const NAMED = [
  ['"', '"'],
  ['<#', '|'],
  ['<#', '>'],
] as const;
/** And in the bot's links to messages. */
const LINKED = [...NAMED, ['/archives/', '/'], ['cid=', '|'], ['cid=', '"']] as const;

/**
 * Slack gives a private channel another id when it is shared with another organisation (slack.md fact 11). Inside the bot
 * a channel keeps its first one, under which its kernel, runs, settings and schedules stand. Here, where payloads come in
 * and calls go out, the one is put for the other.
 */
export class ChannelIds {
  /** By the first id, the later ones, the newest last. */
  readonly #later = new Map<string, readonly string[]>();

  /** What the store knows. */
  load(moved: Iterable<readonly [first: string, later: readonly string[]]>): void {
    for (const [first, later] of moved) this.#later.set(first, later);
  }

  /** Slack has given a channel another id. Gives what is to be stored. */
  change(from: string, to: string): { first: string; later: readonly string[] } {
    const first = this.first(from);
    const later = [...(this.#later.get(first) ?? []).filter((id) => id !== to), to];
    this.#later.set(first, later);
    return { first, later };
  }

  /** By which the bot knows the channel. */
  first(id: string): string {
    for (const [first, later] of this.#later) if (later.includes(id)) return first;
    return id;
  }

  /** A payload of Slack's, with first ids. Code keeps what it says: in JSON its quotes are escaped. */
  readPayload<Payload>(payload: Payload): Payload {
    if (this.#later.size === 0) return payload;
    const read: Payload = JSON.parse(this.#withFirst(JSON.stringify(payload)));
    return read;
  }

  /** Calls of the Web API by Slack's newest ids, and their answers by the first. */
  translate(fetch: FetchFunction): FetchFunction {
    return async (url, init) => {
      if (this.#later.size === 0 || typeof init?.body !== 'string') return await fetch(url, init);
      const answer = await fetch(url, { ...init, body: this.#withNewest(init.body) });
      const { ok, status, statusText, headers } = answer;
      const text = this.#withFirst(await answer.text());
      return answerOf({ ok, status, statusText, url: answer.url, headers }, text);
    };
  }

  #withFirst(json: string): string {
    let text = json;
    for (const [first, later] of this.#later) for (const id of later) text = put(text, id, first, NAMED);
    return text;
  }

  /** A call is a form; what a `response_url` gets is JSON. */
  #withNewest(body: string): string {
    if (body.startsWith('{')) return this.#newestIn(body);
    const fields = new URLSearchParams(body);
    for (const [name, value] of fields)
      fields.set(name, this.#later.get(value)?.at(-1) ?? this.#newestIn(value));
    return fields.toString();
  }

  #newestIn(said: string): string {
    let text = said;
    for (const [first, later] of this.#later) text = put(text, first, later.at(-1) ?? first, LINKED);
    return text;
  }
}

function put(text: string, from: string, to: string, between: typeof NAMED | typeof LINKED): string {
  let result = text;
  for (const [before, after] of between)
    result = result.replaceAll(`${before}${from}${after}`, `${before}${to}${after}`);
  return result;
}
