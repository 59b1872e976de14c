import type { FetchFunction } from '@slack/web-api';
import { answerOf } from './network.ts';

/** What stands around the id of a channel, in JSON and in text. */
const NAMED = [
  ['"', '"'],
  ['<#', '|'],
  ['<#', '>'],
] as const;
/** The same, and what stands around it in links to messages. */
const LINKED = [...NAMED, ['/archives/', '/'], ['cid=', '|'], ['cid=', '"']] as const;

/**
 * Slack gives a private channel another id when it is shared with another organisation (slack.md fact 11). The bot goes
 * on using the first id, under which it stores the channel's kernel, runs, settings and schedules. This class replaces
 * one by the other where payloads come in and calls go out.
 */
export class ChannelIds {
  /** The later ids by the first one, the newest last. */
  readonly #later = new Map<string, readonly string[]>();

  /** Loads the ids that are in the store. */
  load(moved: Iterable<readonly [first: string, later: readonly string[]]>): void {
    for (const [first, later] of moved) this.#later.set(first, later);
  }

  /** Records that Slack has given a channel another id. Returns what to store. */
  change(from: string, to: string): { first: string; later: readonly string[] } {
    const first = this.first(from);
    const later = [...(this.#later.get(first) ?? []).filter((id) => id !== to), to];
    this.#later.set(first, later);
    return { first, later };
  }

  /** The id by which the bot knows the channel. */
  first(id: string): string {
    for (const [first, later] of this.#later) if (later.includes(id)) return first;
    return id;
  }

  /** A payload with first ids. Code is not changed, because in JSON its quotes are escaped. */
  readPayload<Payload>(payload: Payload): Payload {
    if (this.#later.size === 0) return payload;
    const read: Payload = JSON.parse(this.#withFirst(JSON.stringify(payload)));
    return read;
  }

  /** Sends calls of the Web API with the newest ids, and returns their answers with the first ones. */
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

  /** A call is a form; a `response_url` takes JSON. */
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
