import { expect, test } from 'vitest';
import { readBlocks } from '../../../../playground/blocks-schema.ts';
import { wholeText, type OutputPart } from '../../../../src/output/output-view.ts';
import { isTableCut, renderTable } from '../../../../src/slack/blocks/run/output/table.ts';

type TablePart = OutputPart & { kind: 'table' };

function table(rows: number, columns: number, cell: string): TablePart {
  return {
    kind: 'table',
    columns: Array.from({ length: columns }, (_, column) => `c${column}`),
    rows: Array.from({ length: rows }, () => Array.from({ length: columns }, () => cell)),
    sentRows: rows,
    totalRows: rows,
    totalColumns: columns,
    note: undefined,
    csvPath: '/spool/table.csv',
    text: wholeText('as text'),
  };
}

function shown(part: TablePart, form: 'table' | 'data_table' = 'table') {
  const { blocks } = renderTable(part, form);
  let ids = 0;
  const verdict = readBlocks(JSON.parse(JSON.stringify(blocks)), 'message', () => `id ${(ids += 1)}`);
  expect(verdict).toMatchObject({ ok: true });
  const [block, words] = blocks;
  if ((block?.type !== 'table' && block?.type !== 'data_table') || words?.type !== 'context')
    throw new Error('no table');
  const cells = block.rows.map((row) => row.map((cell) => ('text' in cell ? cell.text : '')));
  return { rows: cells.slice(1), words: JSON.stringify(words) };
}

/** Slack takes 100 rows with the header, 20 columns, 10,000 characters in all; a cell of ours 200. */
test.each<[string, TablePart, boolean]>([
  ['98 rows', table(98, 2, 'x'), false],
  ['99 rows', table(99, 2, 'x'), false],
  ['100 rows', table(100, 2, 'x'), true],
  ['19 columns', table(2, 19, 'x'), false],
  ['20 columns', table(2, 20, 'x'), false],
  ['21 columns', table(2, 21, 'x'), true],
  ['a cell of 199', table(1, 1, 'x'.repeat(199)), false],
  ['a cell of 200', table(1, 1, 'x'.repeat(200)), false],
  ['a cell of 201', table(1, 1, 'x'.repeat(201)), true],
  // 10 names of two characters, 89 rows of 100, nine blanks and the rest
  ['8,999 characters', withLastCell(70), false],
  ['9,000 characters', withLastCell(71), false],
  ['9,001 characters', withLastCell(72), true],
])('%s, as Slack takes them', (_, part, isCut) => {
  const { rows, words } = shown(part);
  expect(isTableCut(part, 'table')).toBe(isCut);
  expect(words.includes('table.csv')).toBe(isCut);
  const isWhole =
    rows.length === part.rows.length && rows.every((row, at) => row.join('|') === part.rows[at]?.join('|'));
  expect(isWhole).toBe(!isCut);
});

function withLastCell(chars: number): TablePart {
  const part = table(90, 10, 'x'.repeat(10));
  const last = ['x'.repeat(chars), ...Array.from({ length: 9 }, () => '\u00a0')];
  return { ...part, rows: [...part.rows.slice(0, 89), last] };
}

test('a cut table without a CSV (the disk was full) names none', () => {
  const { words } = shown({ ...table(100, 2, 'x'), csvPath: undefined });
  expect(words).toContain('The first 99 of 100 rows');
  expect(words).not.toContain('table.csv');
});

test.each<[string, Partial<TablePart>, string]>([
  ['all of it', {}, '3 rows × 2 columns'],
  ['the beginning of a result', { isBeginning: true }, 'first 3 rows × 2 columns'],
  [
    'more of the beginning than is shown',
    { ...table(1000, 2, 'x'), isBeginning: true },
    'The first 99 of the first 1,000 rows × 2 columns; all that the kernel sent is in table.csv',
  ],
  ['left out rows', { totalRows: 500 }, '3 of 500 rows × 2 columns; the kernel left out the others'],
  [
    'left out columns',
    { columns: ['a', '...'], totalColumns: 30 },
    '3 rows × 30 columns, some columns left out by the kernel',
  ],
  [
    'a long cell',
    { rows: [['x'.repeat(300), 'y']], sentRows: 1, totalRows: 1 },
    '1 row × 2 columns, long cells cut; all that the kernel sent is in table.csv',
  ],
  [
    'a long cell that the kernel has cut too',
    { rows: [['x'.repeat(300), 'y']], sentRows: 1, totalRows: 1, note: 'long cells cut' },
    '1 row × 2 columns, long cells cut; all that the kernel sent is in table.csv',
  ],
])('%s: the words below the table', (_, more, said) => {
  expect(shown({ ...table(3, 2, 'x'), ...more }).words).toContain(`"text":"${said}"`);
});

test('a data table has 200 rows, columns of numbers are sorted as such, and its caption is its size', () => {
  const part = table(250, 2, 'x');
  const numbered = { ...part, rows: part.rows.map((_, row) => [`${row}`, row === 7 ? 'seven' : `${row}`]) };
  const { blocks } = renderTable(numbered, 'data_table');
  const [block] = blocks;
  if (block?.type !== 'data_table') throw new Error('no data table');
  expect(block.rows).toHaveLength(201);
  expect(block.rows[1]).toEqual([
    { type: 'raw_number', value: 0, text: '0' },
    { type: 'raw_text', text: '0' },
  ]);
  expect(block.caption).toBe('250 rows × 2 columns');
  expect(shown(numbered, 'data_table').words).toContain('The first 200 of 250 rows');
});

test('a table without rows is not a data table, which Slack would refuse', () => {
  expect(renderTable(table(0, 2, 'x'), 'data_table').blocks[0]?.type).toBe('table');
});

test('a frame that the kernel shortened says which rows it has', () => {
  const rows = ['0', '1', '...', '98', '99'].map((index) => [index, index === '...' ? '...' : 'x']);
  const part = { ...table(5, 2, 'x'), rows, totalRows: 100 };
  expect(shown(part).words).toContain(
    'First 2 and last 2 of 100 rows × 2 columns; the kernel left out the others',
  );
});
