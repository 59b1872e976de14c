import { randomUUID } from 'node:crypto';
import type { Keyv } from 'keyv';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { Snippet } from '../runs/run.ts';
import { entriesOf } from '../store/keyv.ts';
import { summarizeCode } from '../store/run-reader.ts';
import { KeyedMutex } from '../waits.ts';
import { inject } from './parameters/inject.ts';
import type { Parameter } from './parameters/values.ts';

/** A snippet that a channel has saved under a name. The code is stored separately, so that a list need not read it. */
const savedSchema = z.object({
  workspace: z.string(),
  channel: z.string(),
  /** As it was typed. Unique in its channel, ignoring case. */
  name: z.string(),
  /** A uuid: the key of the code. A snippet that replaces another has a new one. */
  id: z.string(),
  /** The kernelspec that ran it. The word for it may later mean another one. */
  kernelspec: z.string(),
  /** The kernelspec's word: `python`, `scala`, `R`. */
  language: z.string().optional(),
  /** The language of the code, if that is not the kernelspec's. */
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

/** `taken`: the name belongs to another snippet that the caller did not ask to replace. */
export type SaveResult = { kind: 'saved' | 'unchanged' | 'taken'; saved: SavedSnippet };

/** A select menu in Slack has at most 100 options. */
const MAX_PER_CHANNEL = 100;

/**
 * The saved snippets of a workspace: the list is in memory, the code only in the store. Snippets never expire. Methods that
 * write reject with `StoreError`.
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

  /** To be called once, when this process becomes the leader. */
  async load(): Promise<void> {
    for await (const [, stored] of entriesOf(this.#index)) {
      const saved = savedSchema.safeParse(stored).data;
      if (saved?.workspace === this.#workspace) this.#remember(saved);
    }
  }

  find(channel: string, name: string): SavedSnippet | undefined {
    return this.#known.get(channel)?.get(nameKey(name));
  }

  /** Sorted by name. */
  list(channel: string): SavedSnippet[] {
    const names = this.#known.get(channel)?.values() ?? [];
    return [...names].toSorted((a, b) => a.name.localeCompare(b.name));
  }

  /** The snippets of all channels. */
  all(): SavedSnippet[] {
    return [...this.#known.values()].flatMap((names) => [...names.values()]);
  }

  byId(channel: string, id: string): SavedSnippet | undefined {
    return this.list(channel).find((saved) => saved.id === id);
  }

  /** The blocks of code; undefined if the snippet was deleted meanwhile. */
  async code({ id }: SavedSnippet): Promise<readonly string[] | undefined> {
    return z.array(z.string()).safeParse(await this.#code.get(id)).data;
  }

  /**
   * The snippet to run, with the given values, on the kernelspec that ran it before; undefined as above. Throws `UserError` for
   * values that do not fit.
   */
  async snippet(saved: SavedSnippet, parameters: readonly Parameter[]): Promise<Snippet | undefined> {
    const { kernelspec, language, dialect } = saved;
    const blocks = await this.code(saved);
    if (blocks === undefined) {
      // It may have been replaced meanwhile.
      const newer = this.find(saved.channel, saved.name);
      return newer === undefined || newer.id === saved.id ? undefined : await this.snippet(newer, parameters);
    }
    return { language: kernelspec, dialect, blocks: inject(blocks, parameters, dialect ?? language) };
  }

  /** `replaces` is the id of the snippet that may be replaced. Throws `UserError` if the channel has too many snippets. */
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
        // Written again, because a store that was emptied has lost it.
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
      // The code first, so that the list never names code that does not exist.
      await this.#code.set(saved.id, [...blocks]);
      await this.#index.set(entryKey(saved), saved);
      this.#remember(saved);
      if (before !== undefined) await this.#code.delete(before.id);
      return { kind: 'saved', saved };
    });
  }

  /** Erases a snippet. False if it is gone, or if another one has its name by now. */
  async forget(saved: SavedSnippet): Promise<boolean> {
    const { channel } = saved;
    return await this.#mutex.run(channel, async () => {
      if (this.find(channel, saved.name)?.id !== saved.id) return false;
      // The code first: after a crash only the name is left, which can be erased again.
      await this.#code.delete(saved.id);
      await this.#index.delete(entryKey(saved));
      this.#known.get(channel)?.delete(nameKey(saved.name));
      return true;
    });
  }

  /** Writes the list again after the store was emptied. The code is lost, and who runs a snippet by its name is told so. */
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

/** One word, so that it fits into a command, without Slack's markup and without the separator of keys. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,39}$/u;

/** The form of a name, in words. */
export const NAME_FORM =
  'A name is one word of at most 40 letters, digits, dots, hyphens and underscores, such as daily-report.';

/** The typed name of a snippet; undefined if it is not valid. */
export function readName(typed: string): string | undefined {
  const name = typed.trim().normalize('NFC');
  return NAME.test(name) ? name : undefined;
}

/** Names are compared without case, because phones begin a word with a capital letter. */
export function nameKey(name: string): string {
  return name.toLowerCase();
}
