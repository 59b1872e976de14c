import { describe, expect, it } from 'vitest';
import { UserError } from '../../../../src/errors.ts';
import { checkSnippet } from '../../../../src/runs/admission/new-run.ts';
import { type Snippet } from '../../../../src/runs/run.ts';

function refusal(snippet: Snippet, maxCodeBytes = 100e6): string | undefined {
  try {
    checkSnippet(snippet, maxCodeBytes);
  } catch (error) {
    if (error instanceof UserError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return undefined;
}

describe('snippets that cannot run', () => {
  it.each([[[]], [['']], [[' \n\t']], [['', '\n']]])('refuses %j as empty', (blocks) => {
    expect(refusal({ language: undefined, blocks })).toBe('emptySnippet: There is no code to run.');
  });

  it('explains what a language’s word alone may have meant', () => {
    expect(refusal({ language: 'python2', blocks: [''] })).toMatch(/^emptySnippet: .*use python2/);
  });

  it('takes an empty block among others', () => {
    expect(refusal({ language: undefined, blocks: ['', 'x'] })).toBeUndefined();
  });

  it('refuses a block that no gateway accepts, by its size on the wire', () => {
    const mebi = 2 ** 20;
    expect(refusal({ language: undefined, blocks: ['x'.repeat(9 * mebi - 2)] })).toBeUndefined();
    expect(refusal({ language: undefined, blocks: ['x'.repeat(9 * mebi - 1)] })).toMatch(/^snippetTooLong/);
    expect(refusal({ language: undefined, blocks: ['é'.repeat(4.5 * mebi)] })).toMatch(/^snippetTooLong/);
    expect(refusal({ language: undefined, blocks: ['\n'.repeat(4.5 * mebi), 'x'] })).toMatch(
      /^snippetTooLong/,
    );
  });

  it('refuses more than MAX_CODE in all blocks together, in bytes of UTF-8', () => {
    const snippet = { language: undefined, blocks: ['é'.repeat(300), 'x'.repeat(400)] };
    expect(refusal(snippet, 1_000)).toBeUndefined();
    expect(refusal(snippet, 999)).toBe(
      'snippetTooLong: This code is too long: 0.001 MB, and a run may have 0.000999 MB. Nothing ran.',
    );
  });
});
