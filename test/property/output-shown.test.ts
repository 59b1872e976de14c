import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readBlocks } from '../../playground/blocks-schema.ts';
import { FoldedText } from '../../src/output/terminal/terminal-text.ts';
import type { OutputPart } from '../../src/output/output-view.ts';
import { cutText } from '../../src/slack/blocks/truncate.ts';
import { renderAnswer, shrinkLevels } from '../../src/slack/blocks/run/run-message.ts';
import { renderTable } from '../../src/slack/blocks/run/table.ts';

const hostile = fc.constantFrom(
  '<!channel>',
  '<@U123>',
  '<https://evil.example|x>',
  '```',
  '\u200b',
  '\u202e',
  '\ufeff',
  '\ud800',
  '\udc00',
  '\u0000',
  '😀',
  '&&&&&&&&&&',
  '"\\',
  ' ',
  '\n',
  '\t',
  'x'.repeat(3000),
  'line\n'.repeat(400),
);
const text = fc
  .array(fc.oneof(hostile, fc.string({ unit: 'binary', maxLength: 20 })), { maxLength: 30 })
  .map((parts) => parts.join(''));

function folded(written: string) {
  const fold = new FoldedText();
  fold.write(written);
  return fold.view();
}

test('a cut text is its start, a counted gap and its end: no gap uncounted, nothing twice', () => {
  const plain = fc
    .array(fc.string({ unit: fc.constantFrom('a', 'b', '\n', '😀'), maxLength: 300 }), { maxLength: 150 })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(
      plain,
      fc.integer({ min: 50, max: 12_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (written, room, headShare) => {
        const cut = cutText(folded(written), room, headShare);
        const whole = written.replace(/\n+$/, '');
        expect(whole.startsWith(cut.head)).toBe(true);
        if (cut.hiddenChars === 0) {
          expect(cut).toEqual({ head: whole, tail: '', hiddenLines: 0, hiddenChars: 0 });
          return;
        }
        expect(whole.endsWith(cut.tail)).toBe(true);
        expect(cut.head.length + cut.hiddenChars + cut.tail.length).toBe(whole.length);
        expect(cut.head.isWellFormed() && cut.tail.isWellFormed()).toBe(true);
        const hidden = whole.slice(cut.head.length, whole.length - cut.tail.length);
        const between = hidden.split('\n').length - 1;
        expect(cut.hiddenLines).toBeGreaterThanOrEqual(between - 1);
        expect(cut.hiddenLines).toBeLessThanOrEqual(between);
      },
    ),
    { numRuns: 300 },
  );
});

const part: fc.Arbitrary<OutputPart> = fc.oneof(
  fc.record({
    kind: fc.constant('text' as const),
    source: fc.constantFrom('stdout' as const, 'stderr' as const, 'result' as const, 'pager' as const),
    text: text.map(folded),
    path: fc.constant(undefined),
  }),
  fc.record({
    kind: fc.constant('error' as const),
    headline: text.map((words) => `Error: ${words.slice(0, 200)}`),
    userLine: fc.option(
      text.map((words) => words.slice(0, 100)),
      { nil: undefined },
    ),
    cause: fc.option(
      text.map((words) => `Caused by ${words.slice(0, 100)}`),
      { nil: undefined },
    ),
    traceback: text.map(folded),
    isFolded: fc.boolean(),
    path: fc.constant(undefined),
    hint: fc.option(fc.constant('A hint.'), { nil: undefined }),
  }),
);
const tablePart = fc.record({
  kind: fc.constant('table' as const),
  columns: fc.array(text, { minLength: 1, maxLength: 30 }),
  rows: fc.array(fc.array(text, { minLength: 1, maxLength: 30 }), { maxLength: 120 }),
  sentRows: fc.constant(120),
  totalRows: fc.constant(500),
  totalColumns: fc.constantFrom(undefined, 7),
  note: fc.constantFrom(undefined, 'only showing top 20 rows'),
  csvPath: fc.constant(undefined),
  text: text.map(folded),
});

test('whatever a run prints, Slack takes the message, and nothing in it is markup', () => {
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 120 }),
      fc.boolean(),
      fc.integer({ min: 0, max: shrinkLevels }),
      fc.array(
        text.map((words) => words.slice(0, 300)),
        { maxLength: 2 },
      ),
      (parts, isLive, shrink, notes) => {
        const { message } = renderAnswer(
          {
            runId: 'run-1',
            runner: 'U1',
            kernelspec: 'python3',
            phase: isLive
              ? { kind: 'running', sinceMs: 0, stopping: false, stopIgnored: false }
              : {
                  kind: 'ended',
                  outcome: {
                    kind: 'ok',
                    durationMs: 1,
                    kernelspec: 'python3',
                    variablesLost: true,
                    possibleGap: true,
                  },
                },
            output: {
              parts,
              textBytes: 1,
              textLines: 1,
              spoolPath: undefined,
              limited: false,
              losses: [{ kind: 'tooBig', messages: 2 }],
            },
            notes,
            edition: 2,
            actions: ['stop', 'runAgain'],
          },
          5000,
          shrink,
        );
        const verdict = readBlocks(
          JSON.parse(JSON.stringify(message.blocks)),
          'message',
          () => `${Math.random()}`,
        );
        expect(verdict).toMatchObject({ ok: true });
        expect(message.blocks.map((block) => block.type)).toEqual(['rich_text', 'context', 'actions']);
        expect(message.text.length).toBeLessThanOrEqual(4000);
        expect(message.text).not.toMatch(/[<>]/);
        expect(message.text.isWellFormed()).toBe(true);
        expect(JSON.stringify(message.blocks)).not.toMatch(
          /"type":"(link|user|usergroup|channel|broadcast|mrkdwn)"/,
        );
      },
    ),
    { numRuns: 150 },
  );
});

test('whatever a table holds, Slack takes it', () => {
  fc.assert(
    fc.property(tablePart, fc.boolean(), (table, asText) => {
      const { blocks, text: plain } = renderTable(table, asText);
      const verdict = readBlocks(JSON.parse(JSON.stringify(blocks)), 'message', () => `${Math.random()}`);
      expect(verdict).toMatchObject({ ok: true });
      expect(plain.length).toBeLessThanOrEqual(4000);
    }),
    { numRuns: 150 },
  );
});
