import { randomUUID } from 'node:crypto';
import type { Keyv } from 'keyv';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import { KeyedMutex } from '../waits.ts';
import type { Dialect, Snippet } from '../runs/admission/snippet.ts';
import { summarizeCode } from '../store/run-reader.ts';
import { putIn } from './parameters/put-in.ts';
import type { Parameter } from './parameters/values.ts';

/** Code that a channel keeps under a name. The code itself is stored apart, so that a list need not read it. */
const savedSchema = z.object({
  workspace: z.string(),
  channel: z.string(),
  /** As it was typed; unique in its channel, whatever its case. */
  name: z.string(),
  /** uuid: where the code is, and which of the snippets that had this name. */
  id: z.string(),
  /** What ran: a word may mean another kernelspec by tomorrow. */
  kernelspec: z.string(),
  /** As the kernelspec says it: `python`, `scala`, `R`. */
  language: z.string().optional(),
  /** What the code is written in, where that is not the kernelspec's language. */
  dialect: z.literal('sql').optional(),
  /** Slack user id. */
  savedBy: z.string(),
  /** ms since the epoch. */
  savedAt: z.number(),
  preview: z.string(),
  codeLength: z.number(),
  codeSha256: z.string(),
  blockCount: z.number(),
});
export type SavedSnippet = Readonly<z.infer<typeof savedSchema>>;

export interface Place {
  workspace: string;
  channel: string;
}

export interface SnippetToSave extends Place {
  name: string;
  kernelspec: string;
  language: string | undefined;
  dialect?: Dialect | undefined;
  savedBy: string;
  blocks: readonly string[];
}

/** `taken`: the name belongs to another snippet, and nobody has said that it may be replaced. */
export type SaveResult = { kind: 'saved' | 'unchanged' | 'taken'; saved: SavedSnippet };

/** A select in Slack offers 100. */
const MAX_PER_CHANNEL = 100;

/**
 * What channels have saved: the list in memory, with the code in the store alone. Kept until it is forgotten. Everything
 * that writes rejects with `StoreError`.
 */
export class SavedSnippets {
  readonly #index: Keyv;
  readonly #code: Keyv;
  readonly #mutex = new KeyedMutex();
  /** By `workspace/channel`, then by the name's key. */
  readonly #known = new Map<string, Map<string, SavedSnippet>>();

  /** `index`: `workspace/channel/name` → snippet. `code`: the snippet's id → its blocks. */
  constructor(index: Keyv, code: Keyv) {
    this.#index = index;
    this.#code = code;
  }

  /** Once, when this process becomes the leader. */
  async load(): Promise<void> {
    const entries = this.#index.iterator?.(undefined) as AsyncIterable<[string, unknown]> | undefined;
    for await (const [, stored] of entries ?? []) {
      const saved = savedSchema.safeParse(stored).data;
      if (saved !== undefined) this.#remember(saved);
    }
  }

  find(place: Place, name: string): SavedSnippet | undefined {
    return this.#known.get(placeKey(place))?.get(nameKey(name));
  }

  /** By name. */
  list(place: Place): SavedSnippet[] {
    return [...(this.#known.get(placeKey(place))?.values() ?? [])].toSorted((a, b) =>
      a.name.localeCompare(b.name),
    );
  }

  /** Of all channels of a workspace. */
  all(workspace: string): SavedSnippet[] {
    return [...this.#known.values()]
      .flatMap((names) => [...names.values()])
      .filter((saved) => saved.workspace === workspace);
  }

  /** `id` of a snippet of this channel. */
  byId(place: Place, id: string): SavedSnippet | undefined {
    return this.list(place).find((saved) => saved.id === id);
  }

  /** The blocks of code; undefined where somebody has forgotten them meanwhile. */
  async code({ id }: SavedSnippet): Promise<readonly string[] | undefined> {
    return z.array(z.string()).safeParse(await this.#code.get(id)).data;
  }

  /**
   * `replaces`: the id of the snippet that may go for it. Throws `UserError` where the channel has saved enough.
   */
  async save(snippet: SnippetToSave, replaces: string | undefined, nowMs: number): Promise<SaveResult> {
    const { blocks, name, ...rest } = snippet;
    return await this.#mutex.run(placeKey(snippet), async () => {
      const before = this.find(snippet, name);
      const summary = summarizeCode(blocks);
      const isSame =
        before?.codeSha256 === summary.codeSha256 &&
        before.blockCount === summary.blockCount &&
        before.kernelspec === rest.kernelspec &&
        before.dialect === rest.dialect;
      if (before !== undefined && isSame) return { kind: 'unchanged', saved: before };
      if (before !== undefined && before.id !== replaces) return { kind: 'taken', saved: before };
      if (before === undefined && this.list(snippet).length >= MAX_PER_CHANNEL)
        throw new UserError(
          'badCommand',
          `This channel has ${MAX_PER_CHANNEL} saved snippets, which is the limit. Nothing was saved; forget one first.`,
        );
      const saved: SavedSnippet = { ...rest, ...summary, name, id: randomUUID(), savedAt: nowMs };
      // The list names no code that is not there.
      await this.#code.set(saved.id, [...blocks]);
      await this.#index.set(entryKey(saved, name), saved);
      this.#remember(saved);
      if (before !== undefined) await this.#code.delete(before.id);
      return { kind: 'saved', saved };
    });
  }

  /** Erases it. False where it is gone, or another has its name by now. */
  async forget(saved: SavedSnippet): Promise<boolean> {
    return await this.#mutex.run(placeKey(saved), async () => {
      if (this.find(saved, saved.name)?.id !== saved.id) return false;
      // The code first: what is left over by a crash is a name, which can be forgotten again.
      await this.#code.delete(saved.id);
      await this.#index.delete(entryKey(saved, saved.name));
      this.#known.get(placeKey(saved))?.delete(nameKey(saved.name));
      return true;
    });
  }

  #remember(saved: SavedSnippet): void {
    const key = placeKey(saved);
    const names = this.#known.get(key) ?? new Map<string, SavedSnippet>();
    this.#known.set(key, names.set(nameKey(saved.name), saved));
  }
}

function placeKey({ workspace, channel }: Place): string {
  return `${workspace}/${channel}`;
}

function entryKey(place: Place, name: string): string {
  return `${placeKey(place)}/${nameKey(name)}`;
}

/** One word, so that it can stand in a command; what it may hold is no markup in Slack and no separator in a key. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,39}$/u;

/** What a name looks like, for people. */
export const NAME_FORM =
  'A name is one word of at most 40 letters, digits, dots, hyphens and underscores, such as daily-report.';

/** The name of a saved snippet as it was typed; undefined for what cannot be one. */
export function readName(typed: string): string | undefined {
  const name = typed.trim().normalize('NFC');
  return NAME.test(name) ? name : undefined;
}

/** Names that differ in case alone are one: a phone begins with a capital. */
export function nameKey(name: string): string {
  return name.toLowerCase();
}

/**
 * What runs of a saved snippet: its code on the kernelspec that it was saved from, with the given values. Throws
 * `UserError` for values that do not fit.
 */
export function toSnippet(
  { kernelspec, language, dialect }: SavedSnippet,
  blocks: readonly string[],
  parameters: readonly Parameter[],
): Snippet {
  return {
    language: kernelspec,
    ...(dialect === undefined ? {} : { dialect }),
    blocks: putIn(blocks, parameters, dialect ?? language),
  };
}
