import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { OutputModel } from '../../../../src/output/model/output-model.ts';
import { wholeText } from '../../../../src/output/output-view.ts';
import { RunFolder } from '../../../../src/output/spool/run-folder.ts';
import { recover, SnapshotWriter } from '../../../../src/output/spool/snapshot.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'snapshot-'));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(dir, { recursive: true, force: true });
});

const open = () =>
  new RunFolder(join(dir, 'run-1'), 10_000, true, (error) => expect.unreachable(String(error)));

/** A picture of two streams and a result between them, saved before the last stream got its last words. */
async function save(): Promise<RunFolder> {
  const folder = open();
  const model = new OutputModel();
  model.stream('stderr', 'warn\n', { from: 0, to: 5 });
  const result = { kind: 'text', source: 'result', text: wholeText('42'), path: undefined } as const;
  model.show({ parts: [result], texts: [], files: [] }, undefined, '');
  model.stream('stderr', 'la', { from: 5, to: 7 });
  const spool = { keptBytes: 7, source: 'stderr' } as const;
  const snapshots = new SnapshotWriter(
    folder,
    spool,
    () => model.picture,
    () => {},
  );
  snapshots.note();
  await snapshots.saveInTime();
  await writeFile(folder.at('output.txt'), 'warn\nlast');
  return folder;
}

async function read() {
  const model = new OutputModel();
  const recovered = await recover(open(), model);
  const said = model.parts.map((part) =>
    part.kind === 'text' ? `${part.source} ${part.text.head}` : part.kind,
  );
  const spooled = model.parts.flatMap((part) => (part.kind === 'text' ? (part.spooled ?? []) : []));
  return { recovered, said, spooled };
}

test('the snapshot and the later stream text are restored, as text of the last stream', async () => {
  await save();
  const { recovered, said } = await read();
  expect(said).toEqual(['stderr warn\n', 'result 42', 'stderr last']);
  expect(recovered).toMatchObject({ snapshot: { source: 'stderr' }, streamBytes: 9 });
});

test('a stream is cut to what the disk has of it', async () => {
  const folder = await save();
  await writeFile(folder.at('output.txt'), 'war');
  const { said, spooled } = await read();
  expect(said).toEqual(['stderr war', 'result 42', 'stderr ']);
  expect(spooled).toEqual([
    { from: 0, to: 3 },
    { from: 3, to: 3 },
  ]);
});

test.each([
  ['torn', (written: string) => written.slice(0, -5)],
  ['changed', (written: string) => written.replace('"42"', '"43"')],
  ['of another version', (written: string) => written.replace('"version":1', '"version":2')],
  ['empty', () => ''],
])('of a snapshot that is %s nothing is taken: the stream text alone comes back', async (_, spoil) => {
  const folder = await save();
  const path = folder.at('parts.json');
  await writeFile(path, spoil(await readFile(path, 'utf8')));
  const { recovered, said } = await read();
  expect(said).toEqual(['stdout warn\nlast']);
  expect(recovered?.snapshot).toBeUndefined();
});

test('it is written at once, then at most once a second, and files that it no longer names are deleted after it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const folder = open();
  let taken = 0;
  const take = () => {
    taken += 1;
    return new OutputModel().picture;
  };
  const due: (() => Promise<void>)[] = [];
  const snapshots = new SnapshotWriter(folder, { keptBytes: 0, source: undefined }, take, (work) =>
    due.push(work),
  );
  const path = await folder.write('a.txt', 'a');
  for (let n = 0; n < 5; n += 1) {
    snapshots.note();
    await snapshots.saveInTime();
  }
  expect(taken).toBe(1);
  folder.release([path ?? '']);
  vi.advanceTimersByTime(999);
  expect([due.length, existsSync(path ?? '')]).toEqual([0, true]);
  vi.advanceTimersByTime(1);
  await due[0]?.();
  expect([taken, due.length, existsSync(path ?? '')]).toEqual([2, 1, false]);
  await snapshots.save();
  expect(taken).toBe(2);
});

test('without stored output nothing is recovered', async () => {
  expect((await read()).recovered).toBeUndefined();
});
