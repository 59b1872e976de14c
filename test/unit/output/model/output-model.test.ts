import { expect, test } from 'vitest';
import { OutputModel } from '../../../../src/output/model/output-model.ts';
import { type Shown, withdrawEnd } from '../../../../src/output/model/picture.ts';
import { wholeText } from '../../../../src/output/output-view.ts';

const shown = (name: string): Shown => ({
  parts: [{ kind: 'text', source: 'result', text: wholeText(name), path: 'results.txt' }],
  texts: [`${name}.txt`],
  files: [`${name}.png`],
});
const range = { from: 0, to: 1 };
const said = (model: OutputModel) =>
  model.parts.map((part) => (part.kind === 'text' ? `${part.source} ${part.text.head}` : part.kind));

test('pieces of one stream in a row are one part', () => {
  const model = new OutputModel();
  model.stream('stdout', 'a', { from: 0, to: 1 });
  model.stream('stdout', 'b', { from: 1, to: 2 });
  model.stream('stderr', 'c', { from: 2, to: 3 });
  expect(said(model)).toEqual(['stdout ab', 'stderr c']);
  expect(model.parts[0]).toMatchObject({ spooled: { from: 0, to: 2 } });
});

test('an update replaces its display everywhere; the old files are dropped', () => {
  const model = new OutputModel();
  model.show(shown('a'), 'd', '');
  model.show(shown('b'), undefined, '');
  model.update('d', shown('c'));
  expect(said(model)).toEqual(['result c', 'result b']);
  expect(model.takeDropped()).toEqual(['a.txt', 'a.png']);
  expect(model.takeDropped()).toEqual([]);
});

test('a clear with wait removes all output when the next one comes', () => {
  const model = new OutputModel();
  model.show(shown('a'), undefined, '');
  model.clear(true);
  expect(said(model)).toEqual(['result a']);
  model.stream('stdout', 'x', range);
  expect(said(model)).toEqual(['stdout x']);
  expect(model.takeDropped()).toEqual(['a.txt', 'a.png']);
});

test('a clear in a later block removes only what that block has shown, as in a notebook', () => {
  const model = new OutputModel();
  model.show(shown('a'), 'd', '');
  model.stream('stdout', 'one\n', range);
  model.clear(true);
  model.startBlock(1);
  for (const step of ['two\n', 'three\n']) {
    model.clear(true);
    model.stream('stdout', step, range);
    model.show(shown(step), undefined, '');
  }
  model.update('d', shown('b'));
  expect(said(model)).toEqual(['result b', 'stdout one\n', 'stdout three\n', 'result three\n']);
  expect(model.takeDropped()).toEqual(['two\n.txt', 'two\n.png', 'a.txt', 'a.png']);
  const successor = new OutputModel();
  for (const entry of successor.restore(structuredClone(model.picture))) entry.text.write('again');
  successor.startBlock(1);
  successor.clear(false);
  expect(said(successor)).toEqual(['result b', 'stdout again']);
  model.clear(true);
  const other = new OutputModel();
  other.restore(structuredClone(model.picture));
  other.startBlock(1);
  other.show(shown('next'), undefined, '');
  expect(said(other)).toEqual(['result b', 'stdout ', 'result next']);
});

test('a clear also takes what its block has printed right behind the text of an earlier one', () => {
  const model = new OutputModel();
  model.stream('stdout', 'one\n', { from: 0, to: 4 });
  model.startBlock(1);
  model.stream('stdout', 'step 0\n', { from: 4, to: 11 });
  expect(said(model)).toEqual(['stdout one\nstep 0\n']);
  model.clear(true);
  model.stream('stdout', 'step 1\n', { from: 11, to: 18 });
  expect(said(model)).toEqual(['stdout one\n', 'stdout step 1\n']);
  model.clear(false);
  expect(said(model)).toEqual(['stdout one\n']);
  expect(model.parts[0]).toMatchObject({ spooled: { from: 0, to: 4 } });
});

test('of very many entries the middle overflows, and a clear drops its files too', () => {
  const model = new OutputModel();
  for (let n = 0; n < 102; n += 1) model.show(shown(`${n}`), `d${n}`, '');
  expect(model.parts).toHaveLength(101);
  expect(model.parts[50]).toEqual({ kind: 'gap', outputs: 2 });
  expect(model.takeOverflown().map(([, text]) => text)).toEqual(['50.txt', '51.txt']);
  expect(model.overflow).toMatchObject({ entries: 2, streams: false, files: ['50.png', '51.png'] });
  expect([model.has('d50'), model.hasOverflown('d50')]).toEqual([false, true]);
  model.overflow.results = { path: 'more.txt', bytes: 5 };
  expect(model.texts('results')[50]).toBe('more.txt');
  expect(model.losses).toEqual([{ kind: 'tooMany', parts: 2, streams: false, path: 'more.txt' }]);
  model.clear(false);
  expect(model.takeDropped()).toEqual(expect.arrayContaining(['0.txt', '50.png', 'more.txt']));
  expect([model.losses, model.parts]).toEqual([[], []]);
});

test('the end of stderr is removed if an error repeats it', () => {
  const model = new OutputModel();
  model.stream('stderr', 'warn\nE: no\n', range);
  model.show(shown('error'), undefined, 'E: no\n');
  expect(said(model)).toEqual(['stderr warn\n', 'result error']);
});

test('an error that is reported again is shown once in its block, with all that was sent', () => {
  const error = (headline: string, file: string): Shown => ({
    parts: [
      {
        kind: 'error',
        headline,
        userLine: 'line 1: x',
        cause: undefined,
        hint: undefined,
        isFolded: false,
        traceback: wholeText(file),
        path: 'traceback.txt',
      },
    ],
    texts: [file],
    files: [],
  });
  const model = new OutputModel();
  model.show(error('E: 1', 'a'), undefined, '');
  model.show(error('E: 1', 'b'), undefined, '');
  model.show(error('E: 2', 'c'), undefined, '');
  model.startBlock(1);
  // another cell, which may fail
  model.show(error('E: 2', 'd'), undefined, '');
  expect(model.parts).toMatchObject([{ headline: 'E: 1' }, { headline: 'E: 2' }, { headline: 'E: 2' }]);
  expect(model.texts('tracebacks')).toEqual(['a', 'b', 'c', 'd']);
});

test('a restored picture is the one that was taken, once its streams have their text', () => {
  const model = new OutputModel();
  model.stream('stdout', 'one\n', { from: 0, to: 4 });
  model.show(shown('a'), 'd', '');
  model.addLoss({ kind: 'tooBig', messages: 1 });
  model.addLoss({ kind: 'tooBig', messages: 2 });
  const again = new OutputModel();
  for (const stream of again.restore(structuredClone(model.picture))) {
    expect(stream.spooled).toEqual({ from: 0, to: 4 });
    stream.text.write('one\n');
    withdrawEnd(stream);
  }
  expect(again.parts).toEqual(model.parts);
  expect(again.losses).toEqual([{ kind: 'tooBig', messages: 3 }]);
  expect(again.files).toEqual(['a.txt', 'a.png']);
});
