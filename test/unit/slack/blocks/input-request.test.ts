import { expect, test } from 'vitest';
import { renderInputBox } from '../../../../src/slack/blocks/input-request.ts';

function labelOf(prompt: string): string {
  const [block] = renderInputBox({ runId: 'r', requestId: 'q' }, { prompt, password: false }).blocks;
  return block !== undefined && 'label' in block ? block.label.text : '';
}

test.each([
  ['Name: ', 'Name:'],
  ['\u0001\u001b[1;32m\u0002Name\u0001\u001b[0m\u0002: ', 'Name:'],
  ['', 'The code waits for a line'],
  ['\u200b\u2060', 'The code waits for a line'],
])('%j is asked as %s', (prompt, label) => {
  expect(labelOf(prompt)).toBe(label);
});

test('of a long menu the end is shown, which is the question', () => {
  const menu = Array.from({ length: 100 }, (_, n) => `${n}) an entry`).join('\n');
  const label = labelOf(`${menu}\nYour choice? `);
  expect(label).toMatch(/^\d+\) an entry\n[^]*Your choice\?$/);
  expect(label.length).toBeLessThanOrEqual(300);
});
