import { describe, expect, test } from 'vitest';
import { ConsoleBarReader } from '../../../../src/output/terminal/console-bar.ts';

const bar = (stage: number, done: number, active: number, tasks: number): string =>
  `[Stage ${stage}:${'='.repeat(done)}>    (${done} + ${active}) / ${tasks}]`;
const cleared = `\r${' '.repeat(80)}\r`;

/** What is left of a text that comes in these pieces, and what the reader has seen. */
function read(...pieces: string[]) {
  const reader = new ConsoleBarReader();
  const text = pieces.map((piece) => reader.take(piece)).join('') + reader.end();
  return { text, progress: reader.progress };
}

test('one bar: its numbers are read, and nothing of it is in the text', () => {
  const { text, progress } = read(`\r${bar(3, 12, 4, 200)}`);
  expect(text).toBe('');
  expect(progress).toEqual({
    stages: 1,
    tasks: 200,
    doneTasks: 12,
    activeTasks: 4,
    sinceMs: expect.any(Number),
  });
});

test('stages side by side are added up', () => {
  const { progress } = read(`\r${bar(1, 1, 4, 8)}${bar(2, 0, 1, 10)}`);
  expect(progress).toMatchObject({ stages: 2, tasks: 18, doneTasks: 1, activeTasks: 5 });
});

test('a stage that has left the bar has done all its tasks', () => {
  const { progress } = read(`\r${bar(1, 7, 1, 8)}`, `\r${bar(2, 1, 2, 4)}`);
  expect(progress).toMatchObject({ stages: 2, tasks: 12, doneTasks: 9, activeTasks: 2 });
});

test('once it is cleared, all tasks are done', () => {
  const { text, progress } = read(`\r${bar(1, 7, 1, 8)}`, cleared, 'said\n');
  expect(text).toBe('said\n');
  expect(progress).toMatchObject({ tasks: 8, doneTasks: 8, activeTasks: 0, sinceMs: undefined });
});

test('after a thousand stages the sums are right', () => {
  const bars = Array.from({ length: 1_000 }, (_, stage) => `\r${bar(stage, 1, 1, 3)}`);
  const { progress } = read(...bars);
  expect(progress).toMatchObject({ stages: 1_000, tasks: 3_000, doneTasks: 999 * 3 + 1 });
});

test('a bar that an earlier run has shown leaves no blanks when it is cleared at the start of a line', () => {
  expect(read(cleared, 'ERROR:root:said\n', cleared, cleared)).toEqual({
    text: 'ERROR:root:said\n',
    progress: undefined,
  });
});

test.each([
  ['in one piece', [`\r${bar(1, 1, 1, 8)}\r\r${bar(1, 7, 1, 8)}\r${cleared}`]],
  ['in a piece each', [`\r${bar(1, 1, 1, 8)}\r`, `\r${bar(1, 7, 1, 8)}\r`, cleared]],
  ['cut between its returns', [`\r${bar(1, 1, 1, 8)}\r\r`, bar(1, 7, 1, 8), '\r']],
])('a bar with a return at its end, as Spark 3.5 and 4 write it, leaves nothing: %s', (_, pieces) => {
  expect(read(...pieces)).toMatchObject({ text: '', progress: { tasks: 8 } });
  expect(read(...pieces, '\r 20%|##  |').text).toContain('\r 20%|##  |');
});

describe('other text stays', () => {
  const log = '26/11/28 12:00:00 WARN TaskSetManager: Lost task 0.0 in stage 1.0 (TID 1)\n';
  test.each([
    ['a line of the JVM’s log right behind it', `\r${bar(0, 1, 2, 9)}${log}\r${bar(0, 2, 2, 9)}`, log],
    ['words before it', `before\r${bar(0, 1, 2, 9)}`, 'before'],
    [
      'a bar of the user’s own',
      `\r 10%|#   |\r${bar(0, 1, 2, 9)}${cleared}\r 20%|##  |`,
      '\r 10%|#   |\r 20%|##  |',
    ],
    ['blanks between returns without a bar', `abc${cleared}def`, `abc${cleared}def`],
    ['a bar in the middle of a line', `see ${bar(0, 1, 2, 9)}`, `see ${bar(0, 1, 2, 9)}`],
    ['a bar that is none', '\r[Stage 1:==> (1 + 2) of 3]', '\r[Stage 1:==> (1 + 2) of 3]'],
    ['the beginning of one at the end', '\r[Stage 1:==> (1 +', '\r[Stage 1:==> (1 +'],
    ['a log line with brackets', '[INFO] (1 + 2) / 3]\n', '[INFO] (1 + 2) / 3]\n'],
  ])('%s', (_, said, text) => {
    expect(read(said).text).toBe(text);
  });

  test('wherever the pieces end', () => {
    const said = `one\n\r${bar(0, 1, 2, 9)}${log}\r${bar(0, 2, 2, 9)}${bar(1, 0, 2, 9)}${cleared}two\rthree\n\r${bar(2, 1, 1, 2)}`;
    const whole = read(said);
    expect(whole.text).toBe(`one\n${log}two\rthree\n`);
    for (let cut = 0; cut <= said.length; cut += 1)
      expect(read(said.slice(0, cut), said.slice(cut)).text).toBe(whole.text);
    expect(read(...said.split('')).text).toBe(whole.text);
  });
});

test('a hostile stream takes proportional time, and little is held back', () => {
  const reader = new ConsoleBarReader();
  const nearly = '\r[Stage 1:' + ' '.repeat(998);
  for (let piece = 0; piece < 2_000; piece += 1) reader.take(nearly);
  expect(reader.end().length).toBeLessThan(5_000);
  const { text } = read(`\r${'[Stage 1:> (1 + 1) / 2]'.repeat(100)}[Stage`.repeat(20));
  expect(text).toBe('[Stage'.repeat(20));
});
