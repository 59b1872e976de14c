import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Log } from '../../../../src/log.ts';
import { wholeText } from '../../../../src/output/output-view.ts';
import type { RunView } from '../../../../src/runs/run-view.ts';
import { preformatted } from '../../../../src/slack/blocks/rich-text.ts';
import { runFiles } from '../../../../src/slack/blocks/run/attachments.ts';
import { attachFiles } from '../../../../src/slack/messages/attach-files.ts';
import { MessageClient } from '../../../../src/slack/messages/client.ts';
import { startMessagesRig } from './messages-rig.ts';

const metadata = { event_type: 'sparkthread_root', event_payload: { run: 'r1' } };
const invalid = {
  ok: false,
  error: 'invalid_blocks',
  response_metadata: {
    messages: ['[ERROR] unsupported language [json-pointer:/blocks/0/elements/0/language]'],
  },
};

/** A client whose posts are refused where `isRefused` says so; gives what was posted. */
function fakeClient(isRefused: (body: string) => boolean) {
  const posted: string[] = [];
  const logged: unknown[] = [];
  const log = { debug() {}, warn: (fields: unknown) => void logged.push(fields) } as unknown as Log;
  const fetch = async (_url: unknown, init: { body?: unknown }) => {
    const body = new URLSearchParams(String(init.body)).get('blocks') ?? '';
    posted.push(body);
    return Response.json(isRefused(body) ? invalid : { ok: true, ts: '1.0' });
  };
  return { client: new MessageClient({ botToken: 'xoxb-1', fetch: fetch as never, log }), posted, logged };
}

const part = {
  kind: 'table',
  columns: ['a'],
  rows: [['1']],
  sentRows: 1,
  totalRows: 1,
  totalColumns: 1,
  note: undefined,
  csvPath: undefined,
  text: wholeText('a\n1'),
} as const;

const message = {
  text: 'code',
  blocks: [{ type: 'rich_text' as const, elements: [preformatted('1 + 1', 'python')] }],
  metadata,
};

test('code has its language; after Slack has refused that once, code has none', async () => {
  const { client, posted, logged } = fakeClient((body) => body.includes('language'));
  await client.post({ channel: 'C1', thread: '' }, message);
  await client.post({ channel: 'C1', thread: '' }, message);
  expect(posted.map((body) => body.includes('"language":"python"'))).toEqual([true, false, false]);
  expect(logged).toMatchObject(
    [{ event: 'message.refused', code: 'invalid_blocks', reasons: [/pointer/] }].map((each) => ({
      ...each,
      reasons: [expect.stringContaining('json-pointer')],
    })),
  );
});

test('if blocks are refused with and without a language, later code still has one', async () => {
  let isBroken = true;
  const { client, posted } = fakeClient(() => isBroken);
  await expect(client.post({ channel: 'C1', thread: '' }, message)).rejects.toThrow('invalid_blocks');
  isBroken = false;
  await client.post({ channel: 'C1', thread: '' }, message);
  expect(posted.at(-1)).toContain('"language":"python"');
});

test('a table that Slack refuses as a data table is sent as a table, and then as text', async () => {
  for (const [refused, shown] of [
    [[], 'data_table'],
    [['data_table'], 'table'],
    [['data_table', 'table'], 'rich_text'],
  ] as const) {
    await using rig = await startMessagesRig();
    const { playground, sending, channel } = rig;
    const root = playground.as('ana').post('#data', 'hi');
    const post = sending.client.client.chat.postMessage.bind(sending.client.client.chat);
    const types: string[] = [];
    sending.client.client.chat.postMessage = async (given) => {
      const blocks: readonly { type: string }[] = (given as { blocks: { type: string }[] }).blocks;
      types.push(blocks[0]?.type ?? '');
      if (refused.some((type) => type === blocks[0]?.type)) {
        const { WebAPIPlatformError } = await import('@slack/web-api');
        throw new WebAPIPlatformError({ ok: false, error: 'invalid_blocks' });
      }
      return await post(given);
    };
    const owner = { runId: 'r1', place: { channel, thread: root.ts }, createdAt: 0, mayExist: false };
    const { replies } = await attachFiles(
      sending,
      owner,
      [{ kind: 'table', key: 't', version: '1', part }],
      new Map(),
    );
    expect(replies).toHaveLength(1);
    expect(types.at(-1)).toBe(shown);
  }
});

test.each([
  ['takes', 0],
  ['refuses', 1],
])('a table of 120 rows has its CSV where Slack %s data tables', async (takes, csvs) => {
  await using rig = await startMessagesRig();
  const { playground, sending, channel } = rig;
  const { ts: thread } = playground.as('ana').post('#data', 'hi');
  const owner = { runId: 'r1', place: { channel, thread }, createdAt: 0, mayExist: false };
  sending.client.takesDataTables = takes === 'takes';
  const rows = Array.from({ length: 120 }, (_, row) => [String(row)]);
  const csvPath = fileURLToPath(import.meta.url);
  const parts = [{ ...part, rows, sentRows: 120, totalRows: 120, csvPath }];
  const output = { parts, textBytes: 0, spoolPath: undefined, limited: false, losses: [] };
  const files = runFiles({ output } as unknown as RunView, new Set());
  const posted = new Map();
  const attached = await attachFiles(sending, owner, files, posted);
  expect(attached).toMatchObject({ files: { length: csvs }, replies: { length: 1 }, missing: [] });
  expect(JSON.stringify(playground.replies('#data', thread)).includes('is in table.csv')).toBe(csvs === 1);
  expect(await attachFiles(sending, owner, files, posted)).toEqual(attached);
});

test('after Slack has taken a data table, a refusal concerns one table alone', async () => {
  await using rig = await startMessagesRig();
  const { playground, sending, channel } = rig;
  const types: unknown[] = [];
  for (const isRefused of [false, true, false]) {
    const { ts: thread } = playground.as('ana').post('#data', 'hi');
    const owner = { runId: thread, place: { channel, thread }, createdAt: 0, mayExist: false };
    if (isRefused) playground.fail('chat.postMessage', { kind: 'error', error: 'msg_blocks_too_long' });
    await attachFiles(sending, owner, [{ kind: 'table', key: 't', version: '1', part }], new Map());
    types.push(playground.messages('#data').find(({ thread_ts: of }) => of === thread)?.blocks?.[0]?.type);
  }
  expect(types).toEqual(['data_table', 'table', 'data_table']);
});

test('that the first table’s thread takes no message says nothing about data tables', async () => {
  await using rig = await startMessagesRig();
  const { playground, sending, channel } = rig;
  const types: unknown[] = [];
  for (const error of ['restricted_action_thread_locked', undefined]) {
    const { ts: thread } = playground.as('ana').post('#data', 'hi');
    const owner = { runId: thread, place: { channel, thread }, createdAt: 0, mayExist: false };
    if (error !== undefined) playground.fail('chat.postMessage', { kind: 'error', error });
    await attachFiles(sending, owner, [{ kind: 'table', key: 't', version: '1', part }], new Map());
    types.push(playground.messages('#data').find(({ thread_ts: of }) => of === thread)?.blocks?.[0]?.type);
  }
  expect(types).toEqual([undefined, 'data_table']);
});

test('a table that late output has changed is edited, whatever its letters are', async () => {
  await using rig = await startMessagesRig();
  const { playground, sending, channel } = rig;
  const { ts: thread } = playground.as('ana').post('#data', 'hi');
  const owner = { runId: 'r1', place: { channel, thread }, createdAt: 0, mayExist: false };
  const posted = new Map();
  for (const version of ['1', '2']) {
    const text = wholeText(`${'東京'.repeat(900)}${version}`);
    const table = { ...part, rows: [[version]], text };
    await attachFiles(sending, owner, [{ kind: 'table', key: 't', version, part: table }], posted);
  }
  expect(playground.replies('#data', thread)).toMatchObject([{ ts: posted.get('t').ts, edited: {} }]);
  expect(playground.callsOf('chat.delete')).toEqual([]);
});

test('only a table of which the kernel has more rows has a button for them', async () => {
  await using rig = await startMessagesRig();
  const { playground, sending, channel } = rig;
  const root = playground.as('ana').post('#data', 'hi');
  const owner = { runId: 'r1', place: { channel, thread: root.ts }, createdAt: 0, mayExist: false };
  const tables = [part, { ...part, isBeginning: true, frame: '0123abcd' }];
  const files = tables.map(
    (each, index) => ({ kind: 'table', key: `t${index}`, version: '1', part: each }) as const,
  );
  await attachFiles(sending, owner, files, new Map());
  const buttons = playground
    .messages('#data')
    .filter(({ thread_ts: thread }) => thread === root.ts)
    .map(({ blocks }) => blocks?.filter(({ type }) => type === 'actions') ?? []);
  expect(buttons.slice(-2)).toMatchObject([
    [],
    [{ elements: [{ action_id: 'run:allRows', value: 'r1|0123abcd', text: { text: 'All rows as CSV' } }] }],
  ]);
});

const picture = {
  kind: 'file',
  key: 'a',
  content: { text: 'png' },
  filename: 'image.png',
  snippet: false,
} as const;

test('a display that is shown at two places is attached once, so no second file stays when it is replaced', async () => {
  await using rig = await startMessagesRig();
  const { playground, sending, channel } = rig;
  const { ts: thread } = playground.as('ana').post('#data', 'hi');
  const owner = { runId: 'r1', place: { channel, thread }, createdAt: 0, mayExist: false };
  const { files } = await attachFiles(sending, owner, [picture, picture], new Map());
  expect(files).toHaveLength(1);
  expect(playground.callsOf('files.getUploadURLExternal')).toHaveLength(1);
});

test('the same file of an earlier run in the thread is not taken for one that a previous process has posted', async () => {
  await using rig = await startMessagesRig();
  const { sending, channel } = rig;
  const thread = await sending.client.post({ channel, thread: '' }, message);
  const place = { channel, thread };
  const attach = async (runId: string, messageTs: string) => {
    const owner = { runId, place, createdAt: 0, mayExist: true, messageTs };
    return (await attachFiles(sending, owner, [picture], new Map())).files;
  };
  const first = await attach('r1', await sending.client.post(place, message));
  const answer = await sending.client.post(place, message);
  const second = await attach('r2', answer);
  expect(second).toHaveLength(1);
  expect(second).not.toEqual(first);
  expect(await attach('r2', answer)).toEqual(second);
});
