import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readBlocks } from '../../playground/blocks-schema.ts';
import { type OutputPart, wholeText } from '../../src/output/output-view.ts';
import { FoldedText } from '../../src/output/terminal/terminal-text.ts';
import type { RunPhase, RunView } from '../../src/runs/run-view.ts';
import type { SlackMessage } from '../../src/slack/api/posted.ts';
import { escapeMrkdwn } from '../../src/slack/blocks/elements.ts';
import { MESSAGE_ROOM } from '../../src/slack/blocks/rich-text.ts';
import { renderTable, TABLE_FORMS } from '../../src/slack/blocks/run/output/table.ts';
import { renderRunMessage } from '../../src/slack/blocks/run/run-message.ts';
import { cutText, truncate, truncateMiddle, truncateMrkdwn } from '../../src/slack/blocks/truncate.ts';

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

test('a truncated text is short enough, well formed, and cuts neither a grapheme nor an entity', () => {
  const family = '👨‍👩‍👧‍👦';
  expect(truncate(`ab${family}cd`, 6)).toBe('ab…');
  expect(truncateMiddle(`${family}${'x'.repeat(50)}${family}`, 20)).toBe(' … ');
  fc.assert(
    fc.property(text, fc.integer({ min: 3, max: 4_000 }), (written, max) => {
      const words = written.toWellFormed();
      for (const cut of [
        truncate(words, max),
        truncateMiddle(words, max),
        truncateMrkdwn(escapeMrkdwn(words), max),
      ]) {
        expect(cut.length).toBeLessThanOrEqual(max);
        expect(cut.isWellFormed()).toBe(true);
      }
      expect(truncateMrkdwn(escapeMrkdwn(words), max)).not.toMatch(/&(?!amp;|lt;|gt;)/);
    }),
    { numRuns: 300 },
  );
});

function streamPart(source: 'stdout' | 'stderr' | 'result' | 'nextInput', words: string): OutputPart {
  return { kind: 'text', source, text: wholeText(words), path: undefined };
}

function errorPart(headline: string): OutputPart {
  const rest = { userLine: undefined, cause: undefined, isFolded: false, path: undefined, hint: 'A hint.' };
  return { kind: 'error', headline, traceback: wholeText('a line\n'.repeat(300)), ...rest };
}

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
const tablePart = fc
  .record({
    kind: fc.constant('table' as const),
    columns: fc.array(text, { minLength: 1, maxLength: 30 }),
    rows: fc.array(fc.array(text, { minLength: 1, maxLength: 30 }), { maxLength: 120 }),
    sentRows: fc.constant(120),
    totalRows: fc.constant(500),
    totalColumns: fc.constantFrom(undefined, 7),
    note: fc.constantFrom(undefined, 'only showing top 20 rows'),
    csvPath: fc.constant(undefined),
    text: text.map(folded),
  })
  // Each row has a cell for each column.
  .map((table) => ({
    ...table,
    rows: table.rows.map((row) => table.columns.map((_, at) => row[at % row.length] ?? '')),
  }));

/** A message as it is sent is one that Slack takes, within the room given, and nothing in it is markup. */
function expectTaken({ text: words, blocks }: SlackMessage, room: number): void {
  const sent: unknown = JSON.parse(JSON.stringify(blocks));
  expect(readBlocks(sent, 'message', () => `${Math.random()}`)).toMatchObject({ ok: true });
  if (room >= 1_500) expect(JSON.stringify(blocks).length).toBeLessThanOrEqual(room);
  expect(blocks.map((block) => block.type)).toEqual(['rich_text', 'context', 'actions']);
  expect(Buffer.byteLength(words)).toBeLessThanOrEqual(3_800);
  expect(words).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
  expect(words.isWellFormed()).toBe(true);
  // Of a question we name who is asked.
  const shown = JSON.stringify(blocks).replace('{"type":"user","user_id":"U1"}', '');
  expect(shown).not.toMatch(/"type":"(link|user|usergroup|channel|broadcast|mrkdwn)"/);
}

const phaseOf = (isLive: boolean, detail: string): RunPhase =>
  isLive
    ? { kind: 'inputAsked', sinceMs: 0, untilMs: 600_000, prompt: detail, password: false }
    : {
        kind: 'ended',
        outcome: {
          kind: 'ok',
          durationMs: 1,
          kernelspec: 'python3',
          variablesLost: true,
          possibleGap: true,
          detail,
        },
      };

function viewOf(parts: readonly OutputPart[], phase: RunPhase, notes: readonly string[]): RunView {
  return {
    runId: 'run-1',
    requester: 'U1',
    kernelspec: 'python3',
    phase,
    output: {
      parts,
      textBytes: 1,
      spoolPath: undefined,
      limited: false,
      losses: [{ kind: 'tooBig', messages: 2 }],
    },
    notes,
    edition: 2,
    actions: ['stop', 'runAgain'],
  };
}

const rooms = fc.constantFrom(MESSAGE_ROOM, 6_000, 3_000, 1_500, 0);

test('whatever a run prints, Slack takes the message, and nothing in it is markup', () => {
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 120 }),
      fc.boolean(),
      rooms,
      fc.array(text, { maxLength: 4 }),
      text,
      (parts, isLive, room, notes, detail) => {
        const view = viewOf(parts, phaseOf(isLive, detail), notes);
        expectTaken(renderRunMessage(view, 5000, room).message, room);
      },
    ),
    { numRuns: 150 },
  );
});

/** Small pieces of stdout and stderr in turn, as a training loop with a bar prints them; thousands of parts; huge words. */
const piece = fc.constantFrom<OutputPart[]>(
  [
    streamPart('stdout', 'epoch 1 loss 0.5\n'),
    streamPart('stderr', '  1%|▏         | 1/120 [00:00<00:18,  6.63it/s]'),
  ],
  [streamPart('stdout', '"\\\t'), streamPart('result', '\u0001'.repeat(50))],
  [{ kind: 'image', mime: 'image/png', path: '/1.png', alt: '' }, streamPart('stderr', 'é'.repeat(200))],
  [{ kind: 'attachment', filename: `${'x'.repeat(200)}.json`, path: '/1.json', mime: 'application/json' }],
  [errorPart('E'.repeat(20_000)), streamPart('nextInput', 'x')],
  [errorPart('short'), streamPart('stdout', 'x'.repeat(20_000))],
);

test('many small pieces, thousands of parts, huge prompts and errors: the message fits in any case', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(1, 20, 60, 500),
      fc.boolean(),
      rooms,
      fc.constantFrom('', 'q'.repeat(14_000), '日本語'.repeat(3_000), '&<>'.repeat(2_000)),
      (pieces, times, isLive, room, words) => {
        const parts = Array.from({ length: times }, () => pieces.flat().map((each) => ({ ...each }))).flat();
        const view = viewOf(parts, phaseOf(isLive, words), [words, words]);
        expectTaken(renderRunMessage(view, 5000, room).message, room);
      },
    ),
    { numRuns: 25 },
  );
});

test('a training loop that prints and draws a bar in turn is shown as one text', () => {
  const parts = Array.from({ length: 100 }, (_, n) =>
    streamPart(n % 2 === 0 ? 'stdout' : 'stderr', `row ${n} oooooooooo\n`),
  );
  const { blocks } = renderRunMessage(viewOf(parts, phaseOf(false, ''), []), 5000).message;
  expect(JSON.stringify(blocks)).toMatch(/row 0 o[^]*row 99 o/);
  expect(JSON.stringify(blocks).match(/rich_text_preformatted/g)?.length).toBeLessThanOrEqual(2);
});

test('whatever a table holds, Slack takes it', () => {
  fc.assert(
    fc.property(tablePart, fc.constantFrom(...TABLE_FORMS), (table, form) => {
      const { blocks, text: plain } = renderTable(table, form);
      const verdict = readBlocks(JSON.parse(JSON.stringify(blocks)), 'message', () => `${Math.random()}`);
      expect(verdict).toMatchObject({ ok: true });
      expect(Buffer.byteLength(plain)).toBeLessThanOrEqual(3_800);
    }),
    { numRuns: 150 },
  );
});
