import { expect, test } from 'vitest';
import { readBundle } from '../../../../src/output/mime/read-bundle.ts';
import { readSparkTable } from '../../../../src/output/mime/spark-tables.ts';
import { SPARK_TABLE_MIME } from '../../../../src/spark/sql/python.ts';

const small = { columns: ['id', 'a b'], rows: [['1', ' two\n ']], cut: false, cutCells: false };

test('is a table with its cells unchanged, in place of all other forms', async () => {
  const shown = await readBundle({
    'text/plain': '1 rows',
    'text/html': '<b>x</b>',
    [SPARK_TABLE_MIME]: JSON.stringify(small),
  });
  expect(shown).toMatchObject([
    {
      kind: 'table',
      table: { columns: ['id', 'a b'], rows: [['1', ' two\n ']], totalRows: 1, totalColumns: 2 },
    },
  ]);
});

test('without rows it is a table too', async () => {
  expect(await readSparkTable(JSON.stringify({ ...small, rows: [] }))).toMatchObject({
    table: { rows: [], totalRows: 0 },
  });
});

test('of ten thousand columns it is a table too', async () => {
  const columns = Array.from({ length: 10_000 }, (_, n) => `c${n}`);
  const sent = JSON.stringify({ ...small, columns, rows: [columns] });
  expect(await readSparkTable(sent)).toMatchObject({ table: { columns, totalColumns: 10_000 } });
});

test('it has the name under which the kernel shows more rows', async () => {
  expect(await readSparkTable(JSON.stringify({ ...small, frame: '0123abcd' }))).toMatchObject({
    table: { frame: '0123abcd' },
  });
});

test('a single cell of several lines, as EXPLAIN gives it, is a text', async () => {
  const plan = {
    columns: ['plan'],
    rows: [['== Physical Plan ==\n+- Range\n\n']],
    cut: false,
    cutCells: false,
  };
  const shown = async (sent: object): Promise<unknown> =>
    await readBundle({ [SPARK_TABLE_MIME]: JSON.stringify(sent) });
  expect(await shown(plan)).toEqual([{ kind: 'text', text: '== Physical Plan ==\n+- Range' }]);
  for (const other of [{ cutCells: true }, { rows: [...plan.rows, ['x']] }, { rows: [['one line\n']] }])
    expect(await shown({ ...plan, ...other })).toMatchObject([{ kind: 'table' }]);
});

test('its text is short and says what it leaves out', async () => {
  const rows = Array.from({ length: 100 }, (_, n) => [String(n), 'x'.repeat(n)]);
  const [shown] = await readBundle({ [SPARK_TABLE_MIME]: JSON.stringify({ ...small, rows, cut: true }) });
  if (shown?.kind !== 'table') throw new Error('no table');
  const lines = shown.text.split('\n');
  expect(lines.slice(0, 2)).toEqual(['id  a b', '0']);
  expect(lines.at(-1)).toBe('… 40 more rows …');
  expect(Math.max(...lines.map(({ length }) => length))).toBe(44);
});

test.each([
  ['no JSON', '{'],
  ['no text', small],
  ['no columns', JSON.stringify({ ...small, columns: [], rows: [] })],
  ['a name of a frame that our code does not give', JSON.stringify({ ...small, frame: 'x") or 1' })],
  ['a row of another length', JSON.stringify({ ...small, rows: [['1']] })],
  ['cells that are no texts', JSON.stringify({ ...small, rows: [[1, 2]] })],
  ['more than our own code sends', JSON.stringify({ ...small, rows: [['1', 'x'.repeat(5_000_000)]] })],
])('%s is none', async (_, sent) => {
  expect(await readSparkTable(sent)).toBeUndefined();
  expect(await readBundle({ 'text/plain': 'words', [SPARK_TABLE_MIME]: sent })).toMatchObject([
    { kind: 'text', text: 'words' },
  ]);
});
