import { UserError } from '../../errors.ts';

/** What a person sent to be run. */
export interface Snippet {
  /** The language's word as typed, where one was. */
  language: string | undefined;
  /**
   * The syntax that Slack's code block is marked with (`python`, `scala`): chosen from a short menu, so it says which
   * language, never which kernelspec. Absent where a language was typed.
   */
  syntax?: string;
  /** Code exactly as typed: one execute_request each, in order. */
  blocks: readonly string[];
}

/** The gateways drop a frame over 10 MiB silently (protocol.md §2); the rest of the message needs room too. */
const MAX_MESSAGE_BYTES = 9 * 2 ** 20;

/** Throws `UserError` (`emptySnippet`, `snippetTooLong`) for what cannot be run. `maxCodeBytes`: all blocks together. */
export function checkSnippet(snippet: Snippet, maxCodeBytes: number): void {
  if (snippet.blocks.every((block) => block.trim() === ''))
    throw new UserError(
      'emptySnippet',
      snippet.language === undefined
        ? 'There is no code to run.'
        : `There is no code after “${snippet.language}”. To choose the channel’s language: use ${snippet.language}.`,
    );
  const most = Math.min(maxCodeBytes, MAX_MESSAGE_BYTES);
  const bytes = snippet.blocks.reduce((sum, block) => sum + Buffer.byteLength(block), 0);
  if (bytes > most)
    throw new UserError(
      'snippetTooLong',
      `This code is too long: ${inMegabytes(bytes)}, and at most ${inMegabytes(most)} run at once (MAX_CODE).`,
    );
}

function inMegabytes(bytes: number): string {
  return bytes < 100_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
