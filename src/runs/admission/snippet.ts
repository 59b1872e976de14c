import { UserError } from '../../errors.ts';
import type { PostedNotebook } from '../../notebooks/model.ts';

/** A language that kernels of others take, wrapped in their own. */
export type Dialect = 'sql';

/** What a person sent to be run. */
export interface Snippet {
  /** The language's word as typed, where one was. */
  language: string | undefined;
  /**
   * The syntax that Slack's code block is marked with (`python`, `scala`): chosen from a short menu, so it says which
   * language, never which kernelspec. Absent where a language was typed.
   */
  syntax?: string;
  /** Of a run that is repeated: what its code is written in, where that is not the kernelspec's language. */
  dialect?: Dialect;
  /** Code exactly as typed: one execute_request each, in order. */
  blocks: readonly string[];
  /** The notebook whose cells the blocks are: it is given back with its outputs. */
  notebook?: PostedNotebook | undefined;
}

/** The gateways drop a frame over 10 MiB without a word (protocol.md §2.3); the rest of the message needs room too. */
const MAX_MESSAGE_BYTES = 9 * 2 ** 20;

/**
 * Throws `UserError` (`emptySnippet`, `snippetTooLong`) for what cannot be run: without code, over `maxCodeBytes` of
 * UTF-8 in all blocks together, or with a block that no gateway takes.
 */
export function checkSnippet(snippet: Snippet, maxCodeBytes: number): void {
  if (snippet.blocks.every((block) => block.trim() === ''))
    throw new UserError(
      'emptySnippet',
      snippet.language === undefined
        ? 'There is no code to run.'
        : `There is no code after “${snippet.language}”. To make it the channel’s default: use ${snippet.language}.`,
    );
  const codeBytes = snippet.blocks.reduce((sum, block) => sum + Buffer.byteLength(block), 0);
  if (codeBytes > maxCodeBytes)
    throw new UserError(
      'snippetTooLong',
      `This code is too long: ${inMegabytes(codeBytes)} MB, and a run may have ${inMegabytes(maxCodeBytes)} MB. Nothing ran.`,
    );
  for (const block of snippet.blocks) {
    const bytes = Buffer.byteLength(JSON.stringify(block));
    if (bytes > MAX_MESSAGE_BYTES)
      throw new UserError(
        'snippetTooLong',
        `This code is too long for a kernel: ${(bytes / 2 ** 20).toFixed(1)} MiB, and at most 9 MiB go through. Nothing ran.`,
      );
  }
}

/** To a whole byte where that is what tells two numbers apart. */
function inMegabytes(bytes: number): string {
  return String(bytes / 1e6);
}
