import type { Snippet } from '../runs/admission/snippet.ts';
import { putIn } from './parameters/put-in.ts';
import type { Parameter } from './parameters/values.ts';
import type { SavedSnippet } from './saved-snippets.ts';

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
