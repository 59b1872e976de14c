import { expect, test } from 'vitest';
import { wholeText, type OutputPart } from '../../../../src/output/output-view.ts';
import { renderRunMessage } from '../../../../src/slack/blocks/run/run-message.ts';
import { cutText } from '../../../../src/slack/blocks/truncate.ts';

const phase = {
  kind: 'ended',
  outcome: { kind: 'ok', durationMs: 1, kernelspec: 'python3', variablesLost: false, possibleGap: false },
} as const;

function shownOf(parts: readonly OutputPart[]) {
  const output = { parts, textBytes: 0, spoolPath: '/x', limited: false, losses: [] };
  const { message, files } = renderRunMessage(
    { runId: 'r', requester: 'U1', kernelspec: 'python3', phase, output, notes: [], edition: 1, actions: [] },
    0,
  );
  return {
    text: message.text,
    files: files.map((file) => (file.kind === 'file' ? file.filename : file.kind)),
    blocks: JSON.stringify(message.blocks),
  };
}

test('the 2,000 lines of list(range(2000)) take at most 30 lines of a channel', () => {
  const list = `[${Array.from({ length: 2000 }, (_, n) => n).join(',\n ')}]`;
  const text: OutputPart = { kind: 'text', source: 'result', text: wholeText(list), path: '/x/results.txt' };
  const { blocks, files } = shownOf([text]);
  const lines = blocks.split(String.raw`\n`).length;
  expect(lines).toBeLessThanOrEqual(30);
  expect(lines).toBeGreaterThanOrEqual(15);
  expect(files).toEqual(['results.txt']);
});

test('a text of about twenty lines is shown whole', () => {
  const text = Array.from({ length: 24 }, (_, n) => `line ${n}`).join('\n');
  expect(cutText(wholeText(text), 5_000, 0.5).hiddenChars).toBe(0);
});

test('files of the same name are numbered, in the answer and beside it', () => {
  const part = (n: number): OutputPart => ({
    kind: 'attachment',
    filename: 'output.html',
    path: `/x/${n}`,
    mime: 'text/html',
  });
  const { text, files } = shownOf([part(1), part(2)]);
  expect(files).toEqual(['output.html', 'output-2.html']);
  expect(text).toContain('Files below: output.html, output-2.html');
});

test('stderr has a label only if something else is shown, too', () => {
  const part = (source: 'stdout' | 'stderr'): OutputPart => ({
    kind: 'text',
    source,
    text: wholeText(`${source[3]} says\n`),
    path: undefined,
  });
  expect(shownOf([part('stderr')]).blocks).not.toContain('"stderr"');
  expect(shownOf([part('stdout'), part('stderr')]).blocks).toContain('"stderr"');
});
