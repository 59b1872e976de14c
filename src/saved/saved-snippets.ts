import { randomUUID } from 'node:crypto';
import type { Keyv } from 'keyv';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { Snippet } from '../runs/run.ts';
import { entriesOf } from '../store/keyv.ts';
import { summarizeCode } from '../store/run-reader.ts';
import { KeyedMutex } from '../waits.ts';
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

export type SnippetToSave = Pick<
  SavedSnippet,
  'channel' | 'name' | 'kernelspec' | 'language' | 'dialect' | 'savedBy'
> & { blocks: readonly string[] };

/** `taken`: the name belongs to another snippet, and nobody has said that it may be replaced. */
export type SaveResult = { kind: 'saved' | 'unchanged' | 'taken'; saved: SavedSnippet };

/** A select in Slack offers 100. */
const MAX_PER_CHANNEL = 100;

/**
 * What a workspace's channels have saved: the list in memory, with the code in the store alone. Kept until it is forgotten. Everything
 * that writes rejects with `StoreError`.
 */
export class SavedSnippets {
  readonly #index: Keyv;
  readonly #code: Keyv;
  readonly #workspace: string;
  readonly #mutex = new KeyedMutex();
  /** By channel, then by the name's key. */
  readonly #known = new Map<string, Map<string, SavedSnippet>>();

  /** `index`: `workspace/channel/name` → snippet. `code`: the snippet's id → its blocks. */
  constructor(index: Keyv, code: Keyv, workspace: string) {
    this.#index = index;
    this.#code = code;
    this.#workspace = workspace;
  }

  /** Once, when this process becomes the leader. */
  async load(): Promise<void> {
    for await (const [, stored] of entriesOf(this.#index)) {
      const saved = savedSchema.safeParse(stored).data;
      if (saved?.workspace === this.#workspace) this.#remember(saved);
    }
  }

  find(channel: string, name: string): SavedSnippet | undefined {
    return this.#known.get(channel)?.get(nameKey(name));
  }

  /** By name. */
  list(channel: string): SavedSnippet[] {
    const names = this.#known.get(channel)?.values() ?? [];
    return [...names].toSorted((a, b) => a.name.localeCompare(b.name));
  }

  /** Of all channels. */
  all(): SavedSnippet[] {
    return [...this.#known.values()].flatMap((names) => [...names.values()]);
  }

  /** `id` of a snippet of this channel. */
  byId(channel: string, id: string): SavedSnippet | undefined {
    return this.list(channel).find((saved) => saved.id === id);
  }

  /** The blocks of code; undefined where somebody has forgotten them meanwhile. */
  async code({ id }: SavedSnippet): Promise<readonly string[] | undefined> {
    return z.array(z.string()).safeParse(await this.#code.get(id)).data;
  }

  /**
   * What runs of it: its code on the kernelspec that it was saved from, with the given values; undefined as above. Throws
   * `UserError` for values that do not fit.
   */
  async snippet(saved: SavedSnippet, parameters: readonly Parameter[]): Promise<Snippet | undefined> {
    const { kernelspec, language, dialect } = saved;
    const blocks = await this.code(saved);
    if (blocks === undefined) return undefined;
    const what = dialect === undefined ? {} : { dialect };
    return { language: kernelspec, ...what, blocks: putIn(blocks, parameters, dialect ?? language) };
  }

  /**
   * `replaces`: the id of the snippet that may go for it. Throws `UserError` where the channel has saved enough.
   */
  async save(snippet: SnippetToSave, replaces: string | undefined, nowMs: number): Promise<SaveResult> {
    const { blocks, name, ...rest } = snippet;
    const { channel } = snippet;
    return await this.#mutex.run(channel, async () => {
      const before = this.find(channel, name);
      const summary = summarizeCode(blocks);
      const isSame =
        before?.codeSha256 === summary.codeSha256 &&
        before.blockCount === summary.blockCount &&
        before.kernelspec === rest.kernelspec &&
        before.dialect === rest.dialect;
      if (before !== undefined && isSame) {
        // A store that was emptied has lost it.
        await this.#code.set(before.id, [...blocks]);
        return { kind: 'unchanged', saved: before };
      }
      if (before !== undefined && before.id !== replaces) return { kind: 'taken', saved: before };
      if (before === undefined && this.list(channel).length >= MAX_PER_CHANNEL)
        throw new UserError(
          'badCommand',
          `This channel has ${MAX_PER_CHANNEL} saved snippets, which is the limit. Nothing was saved; forget one first.`,
        );
      const about = { workspace: this.#workspace, name, id: randomUUID(), savedAt: nowMs };
      const saved: SavedSnippet = { ...rest, ...summary, ...about };
      // The list names no code that is not there.
      await this.#code.set(saved.id, [...blocks]);
      await this.#index.set(entryKey(saved), saved);
      this.#remember(saved);
      if (before !== undefined) await this.#code.delete(before.id);
      return { kind: 'saved', saved };
    });
  }

  /** Erases it. False where it is gone, or another has its name by now. */
  async forget(saved: SavedSnippet): Promise<boolean> {
    const { channel } = saved;
    return await this.#mutex.run(channel, async () => {
      if (this.find(channel, saved.name)?.id !== saved.id) return false;
      // The code first: what is left over by a crash is a name, which can be forgotten again.
      await this.#code.delete(saved.id);
      await this.#index.delete(entryKey(saved));
      this.#known.get(channel)?.delete(nameKey(saved.name));
      return true;
    });
  }

  /** The list, into a store that was emptied. The code is lost: who calls it by its name is told. */
  async storeAgain(): Promise<void> {
    for (const [channel, names] of this.#known)
      await this.#mutex.run(channel, async () => {
        for (const saved of names.values()) await this.#index.set(entryKey(saved), saved);
      });
  }

  #remember(saved: SavedSnippet): void {
    const names = this.#known.get(saved.channel) ?? new Map<string, SavedSnippet>();
    this.#known.set(saved.channel, names.set(nameKey(saved.name), saved));
  }
}

function entryKey({ workspace, channel, name }: SavedSnippet): string {
  return `${workspace}/${channel}/${nameKey(name)}`;
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
