import { expect, test } from 'vitest';
import { readBlocks, type BlocksVerdict, type BlockSurface } from '../../playground/blocks-schema.ts';

let ids = 0;
const read = (blocks: unknown, surface: BlockSurface = 'message'): BlocksVerdict =>
  readBlocks(blocks, surface, () => `b${(ids += 1)}`);

const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });
const pre = (text: string) => ({
  type: 'rich_text',
  elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text }] }],
});
const button = (about: object) => ({
  type: 'actions',
  elements: [{ type: 'button', action_id: 'stop', text: { type: 'plain_text', text: 'Stop' }, ...about }],
});
const table = (rows: number, columns: number, text = 'x') => ({
  type: 'table',
  rows: Array.from({ length: rows }, () =>
    Array.from({ length: columns }, () => ({ type: 'raw_text', text })),
  ),
});
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

test.each<[string, unknown[], unknown[]]>([
  ['50 blocks', times(50, () => ({ type: 'divider' })), times(51, () => ({ type: 'divider' }))],
  ['section text of 3000', [section('x'.repeat(3000))], [section('x'.repeat(3001))]],
  ['a text that is not empty', [section('x')], [section('')]],
  ['a rich text element that is not empty', [pre('x')], [pre('')]],
  ['header of 150', [header(150)], [header(151)]],
  ['button text of 75', [button({ text: plain(75) })], [button({ text: plain(76) })]],
  ['button value of 2000', [button({ value: 'v'.repeat(2000) })], [button({ value: 'v'.repeat(2001) })]],
  ['action_id of 255', [button({ action_id: 'a'.repeat(255) })], [button({ action_id: 'a'.repeat(256) })]],
  ['100 rows', [table(100, 2)], [table(101, 2)]],
  ['20 columns', [table(2, 20)], [table(2, 21)]],
  ['10 000 characters in a table', [table(10, 1, 'x'.repeat(1000))], [table(10, 1, `${'x'.repeat(1000)}y`)]],
  ['one table', [table(1, 1)], [table(1, 1), table(1, 1)]],
  ['10 context elements', [context(10)], [context(11)]],
  [
    '25 actions',
    [{ type: 'actions', elements: times(25, numbered) }],
    [{ type: 'actions', elements: times(26, numbered) }],
  ],
  ['distinct action ids', [button({})], [{ type: 'actions', elements: [numbered(1), numbered(1)] }]],
  [
    'distinct block ids',
    [{ type: 'divider', block_id: 'a' }],
    times(2, () => ({ type: 'divider', block_id: 'a' })),
  ],
  ['known fields only', [{ type: 'divider' }], [{ type: 'divider', colour: 'red' }]],
  ['elements in rich text', [pre('x')], [{ type: 'rich_text', elements: [] }]],
  ['known types', [{ type: 'divider' }], [{ type: 'carousel_of_dreams' }]],
  ['an address with a scheme', [button({ url: 'https://x/y' })], [button({ url: 'x/y' })]],
  [
    'rows of one length',
    [table(2, 2)],
    [{ type: 'table', rows: [...table(1, 2).rows, ...table(1, 1).rows] }],
  ],
  [
    'options of a menu in plain text',
    [menu({ type: 'plain_text', text: 'x' })],
    [menu({ type: 'mrkdwn', text: 'x' })],
  ],
  ['an image with one source', [image({ image_url: 'https://x/y.png' })], [image({})]],
])('message takes %s and no more', (_, good, bad) => {
  expect(read(good)).toMatchObject({ ok: true });
  expect(read(bad)).toMatchObject({ ok: false, error: 'invalid_blocks' });
});

test('all blocks together hold about 13 200 characters', () => {
  const around = JSON.stringify(pre('')).length;
  expect(read([pre('x'.repeat(13_200 - around))])).toMatchObject({ ok: true });
  expect(read([pre('x'.repeat(13_201 - around))])).toEqual({
    ok: false,
    error: 'msg_blocks_too_long',
    messages: [],
  });
  expect(read([pre('"'.repeat(6_700))])).toMatchObject({ error: 'msg_blocks_too_long' });
  expect(read(times(5, () => section('x'.repeat(2700))))).toMatchObject({ error: 'msg_blocks_too_long' });
});

test('an alert belongs to modals, a table to messages', () => {
  const alert = { type: 'alert', text: { type: 'plain_text', text: 'careful' } };
  expect(read([alert], 'modal')).toMatchObject({ ok: true });
  expect(read([alert])).toMatchObject({ ok: false });
  expect(read([table(1, 1)], 'modal')).toMatchObject({ ok: false });
});

test("Slack's sentences carry a pointer", () => {
  expect(read([{ type: 'divider' }, section('')])).toEqual({
    ok: false,
    error: 'invalid_blocks',
    messages: ['[ERROR] must be more than 0 characters [json-pointer:/blocks/1/text/text]'],
  });
  expect(read([{ type: 'nonsense' }])).toMatchObject({
    messages: ['[ERROR] unsupported type: nonsense [json-pointer:/blocks/0/type]'],
  });
  expect(read([{ type: 'header' }])).toMatchObject({
    messages: ['[ERROR] missing required field: text [json-pointer:/blocks/0/text]'],
  });
});

test('missing ids are filled in', () => {
  const verdict = read([{ type: 'actions', elements: [{ type: 'button', text: plain(1) }] }]);
  expect(verdict).toMatchObject({
    ok: true,
    blocks: [{ block_id: expect.any(String), elements: [{ action_id: expect.any(String) }] }],
  });
});

function plain(length: number) {
  return { type: 'plain_text', text: 't'.repeat(length) };
}
function header(length: number) {
  return { type: 'header', text: plain(length) };
}
function context(length: number) {
  return { type: 'context', elements: times(length, () => ({ type: 'mrkdwn', text: 'x' })) };
}
function numbered(index: number) {
  return { type: 'button', action_id: `a${index}`, text: plain(3) };
}
function menu(text: object) {
  return { type: 'actions', elements: [{ type: 'overflow', options: [{ text, value: 'x' }] }] };
}
function image(source: object) {
  return { type: 'image', alt_text: 'a plot', ...source };
}
