import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinFields, MAX_CODE_CHARS, renderEditor, splitCode } from '../../../../src/slack/blocks/editor.ts';

function labels(blocks: readonly string[]): string[] {
  const { fields, joins } = splitCode(blocks)!;
  const view = renderEditor({ channel: 'C1', joins }, { languages: [], blocks: fields });
  return view.blocks.flatMap((block) => ('label' in block ? [block.label.text] : []));
}

test('long code stands in several fields, cut where a line begins at the margin', () => {
  const body = `def f${'0'.repeat(30)}():\n${'    step()\n'.repeat(150)}`;
  const code = `${body}${body}${body}`;
  const { fields, joins } = splitCode([code])!;
  expect(fields.length).toBeGreaterThan(1);
  for (const field of fields) {
    expect(field.length).toBeLessThanOrEqual(MAX_CODE_CHARS);
    expect(field).toMatch(/^def f/);
  }
  expect(joinFields(fields, joins)).toEqual([code]);
  expect(labels([code])).toEqual([
    ...fields.map((_, index) => `Code, part ${index + 1} of ${fields.length}`),
    'Or a file with the code',
  ]);
});

test('blocks keep their names beside parts', () => {
  expect(labels(['a', 'b'.repeat(4_000)])).toEqual([
    'Code, block 1',
    'Code, block 2, part 1 of 2',
    'Code, block 2, part 2 of 2',
    'Or a file with the code',
  ]);
});

test('any code that is split is the same when it is put together', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.constantFrom('x', '\n', '  y\n', '😀', 'z'.repeat(700)), { maxLength: 30 }), {
        minLength: 1,
        maxLength: 4,
      }),
      (pieces) => {
        const blocks = pieces.map((each) => each.join(''));
        const split = splitCode(blocks);
        if (split === undefined) return;
        expect(joinFields(split.fields, split.joins)).toEqual(blocks);
        for (const field of split.fields) expect(field.length).toBeLessThanOrEqual(MAX_CODE_CHARS);
      },
    ),
    { numRuns: 200 },
  );
});

test('code over all the fields of a modal is given as a file', () => {
  const code = 'x = 1\n'.repeat(20_000);
  expect(splitCode([code])).toBeUndefined();
  const view = renderEditor({ channel: 'C1' }, { languages: [], blocks: [] });
  expect(view.blocks).toMatchObject([{ type: 'input', optional: false, element: { type: 'file_input' } }]);
});

test('code that would make the modal larger than Slack takes is given as a file', () => {
  // Each of these characters takes six bytes of JSON.
  expect(splitCode(['\u0001'.repeat(45_000)])).toBeUndefined();
  expect(splitCode(['x'.repeat(45_000)])?.fields).toHaveLength(18);
});
