import { Keyv } from 'keyv';
import { beforeEach, expect, test } from 'vitest';
import { UserError } from '../../../src/errors.ts';
import { readName, SavedSnippets, type SnippetToSave } from '../../../src/saved/saved-snippets.ts';

const snippet: SnippetToSave = {
  channel: 'C1',
  name: 'Report',
  kernelspec: 'python3',
  language: 'python',
  savedBy: 'U1',
  blocks: ['n = 1', 'n + 1'],
};

let index: Keyv;
let code: Keyv;
let saved: SavedSnippets;

beforeEach(() => {
  index = new Keyv();
  code = new Keyv();
  saved = new SavedSnippets(index, code, 'T1');
});

async function reload(workspace = 'T1'): Promise<SavedSnippets> {
  const next = new SavedSnippets(index, code, workspace);
  await next.load();
  return next;
}

test('a snippet is found by its name in any case, in its channel alone, and by a successor', async () => {
  await saved.save(snippet, undefined, 5);
  const next = await reload();
  for (const each of [saved, next]) {
    const found = each.find('C1', 'rePORT');
    expect(found).toMatchObject({ name: 'Report', savedBy: 'U1', savedAt: 5, blockCount: 2 });
    expect(await each.code(found ?? never())).toEqual(['n = 1', 'n + 1']);
    expect(each.find('C2', 'Report')).toBeUndefined();
  }
  // Another workspace's in the same store are its bot's affair.
  expect((await reload('T2')).all()).toEqual([]);
});

test('a name stays taken until the caller names the snippet to replace', async () => {
  const first = await saved.save(snippet, undefined, 1);
  const other = { ...snippet, name: 'report', blocks: ['2'], savedBy: 'U2' };
  expect(await saved.save(other, undefined, 2)).toEqual({ kind: 'taken', saved: first.saved });
  const second = await saved.save(other, first.saved.id, 3);
  expect(second.kind).toBe('saved');
  expect(await code.get(first.saved.id)).toBeUndefined();
  const third = { ...snippet, blocks: ['3'] };
  // Asked about the first one, which is gone.
  expect(await saved.save(third, first.saved.id, 4)).toEqual({ kind: 'taken', saved: second.saved });
  expect((await reload()).list('C1')).toEqual([second.saved]);
});

test('two people who save under one new name at the same time do not overwrite each other', async () => {
  const other = { ...snippet, blocks: ['2'], savedBy: 'U2' };
  const results = await Promise.all([saved.save(snippet, undefined, 1), saved.save(other, undefined, 1)]);
  expect(results.map(({ kind }) => kind)).toEqual(['saved', 'taken']);
});

test('the same code under the same name changes nothing; the same code for another kernel does', async () => {
  const first = await saved.save(snippet, undefined, 1);
  expect(await saved.save({ ...snippet, savedBy: 'U2' }, undefined, 2)).toEqual({
    kind: 'unchanged',
    saved: first.saved,
  });
  expect((await saved.save({ ...snippet, kernelspec: 'python2' }, undefined, 2)).kind).toBe('taken');
});

test('a run that has found a snippet just before it was replaced gets the one that replaced it', async () => {
  const { saved: first } = await saved.save(snippet, undefined, 1);
  await saved.save({ ...snippet, kernelspec: 'r', language: 'R', blocks: ['2'] }, first.id, 2);
  expect(await saved.snippet(first, [])).toEqual({ language: 'r', dialect: undefined, blocks: ['2'] });
  await saved.forget(saved.find('C1', 'report') ?? never());
  expect(await saved.snippet(first, [])).toBeUndefined();
});

test('a forgotten snippet is erased with its code, once', async () => {
  const { saved: first } = await saved.save(snippet, undefined, 1);
  expect(await saved.forget(first)).toBe(true);
  expect(await saved.forget(first)).toBe(false);
  expect(await code.get(first.id)).toBeUndefined();
  expect(saved.list('C1')).toEqual([]);
  expect((await reload()).list('C1')).toEqual([]);
});

test('whoever forgets a snippet does not take away another that has its name by now', async () => {
  const { saved: first } = await saved.save(snippet, undefined, 1);
  const { saved: second } = await saved.save({ ...snippet, blocks: ['2'] }, first.id, 2);
  expect(await saved.forget(first)).toBe(false);
  expect(saved.list('C1')).toEqual([second]);
});

test('a channel has at most a hundred snippets, also when they are saved at once; replacing one is still possible', async () => {
  const save = (at: number) => saved.save({ ...snippet, name: `n${at}` }, undefined, at);
  const results = await Promise.allSettled(Array.from({ length: 101 }, (_, at) => save(at)));
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  await expect(saved.save({ ...snippet, name: 'more' }, undefined, 1)).rejects.toThrow(UserError);
  const first = saved.find('C1', 'n0') ?? never();
  expect((await saved.save({ ...snippet, name: 'n0', blocks: ['2'] }, first.id, 1)).kind).toBe('saved');
});

test('a stored entry that cannot be read hides none of the others', async () => {
  await saved.save(snippet, undefined, 1);
  await index.set('T1/C1/bad', { name: 7 });
  expect((await reload()).list('C1')).toHaveLength(1);
});

test.each(['report', 'Tages-Bericht', 'a', '2024.q1', 'x_y', 'é'])('%j is a name', (name) => {
  expect(readName(` ${name} `)).toBe(name);
});

test.each(['', '-x', '_x', 'a b', 'a/b', 'a=b', '`a`', '<!here>', 'x'.repeat(41), "it's"])(
  '%j is no name',
  (typed) => {
    expect(readName(typed)).toBeUndefined();
  },
);

function never(): never {
  throw new Error('not there');
}

test('a store that was emptied gets the list again; of the code it is known that it is gone', async () => {
  await saved.save(snippet, undefined, 5);
  await Promise.all([index.clear(), code.clear()]);
  await saved.storeAgain();
  const next = await reload();
  const found = next.find('C1', 'report') ?? never();
  expect(found.savedBy).toBe('U1');
  expect(await next.snippet(found, [])).toBeUndefined();
  await next.save(snippet, undefined, 6);
  expect(await next.code(found)).toEqual(snippet.blocks);
});
