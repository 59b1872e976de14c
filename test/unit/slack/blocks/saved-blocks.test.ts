import { expect, test } from 'vitest';
import { readBlocks } from '../../../../playground/blocks-schema.ts';
import type { Run } from '../../../../src/runs/run.ts';
import type { SavedSnippet } from '../../../../src/saved/saved-snippets.ts';
import type { Schedule } from '../../../../src/saved/schedules/schedules.ts';
import { renderHome } from '../../../../src/slack/blocks/home.ts';
import { savedList } from '../../../../src/slack/blocks/saved/saved-blocks.ts';
import { renderSchedules } from '../../../../src/slack/blocks/saved/schedule-blocks.ts';
import { renderRoot } from '../../../../src/slack/blocks/who-ran.ts';

const snippet: SavedSnippet = {
  workspace: 'T1',
  channel: 'C1',
  name: 'report',
  id: 's1',
  kernelspec: 'python3',
  savedBy: 'U1',
  savedAt: 1_700_000_000_000,
  preview: 'n = 1\n<!here>',
  codeLength: 14,
  codeSha256: 'a',
  blockCount: 1,
};
const schedule: Schedule = {
  id: '01234567-89ab-cdef-0123-456789abcdef',
  number: 2,
  workspace: 'T1',
  channel: 'C1',
  maker: 'U1',
  madeAt: 0,
  name: 'report',
  words: '"0 8 * * 1-5"',
  cron: '0 8 * * 1-5',
  timeZone: 'Europe/Berlin',
  parameters: [{ name: 'day', value: { kind: 'text', text: '`<!channel>' } }],
  onlyOnFailure: true,
  settledTo: 0,
  failures: 0,
};
let ids = 0;
const nextId = (): string => `b${(ids += 1)}`;
const listed = { schedule, next: 1_700_000_000_000, lastRun: undefined };

test('saved snippets are listed by name, with who, when and the first line', () => {
  const text = savedList([snippet]);
  expect(text).toContain('`report` · python3, saved by <@U1> <!date^1700000000^');
  expect(text).toContain('— `n = 1` …');
  expect(savedList([{ ...snippet, dialect: 'sql' }])).toContain('`report` · SQL, saved by');
  expect(savedList([])).toContain('Nothing is saved in this channel');
  const many = Array.from({ length: 100 }, (_, at) => ({ ...snippet, name: `${'x'.repeat(36)}${at}` }));
  expect(savedList(many).length).toBeLessThanOrEqual(12_000);
});

test('a schedule is one line: what, when, by whom, next; values are not markup', () => {
  const { text } = renderSchedules([listed], 'https://t.slack.com/', 1_700_000_000_000);
  expect(text).toContain(
    '*2* · `report day="ˋ&lt;!channel&gt;"`, "0 8 * * 1-5" (Europe/Berlin) · by <@U1> · next <!date^1700000000^',
  );
  expect(text).toContain('told only on failure');
  const paused = { ...listed, schedule: { ...schedule, pausedFor: 'failures' as const }, next: undefined };
  expect(renderSchedules([paused], 'https://t.slack.com/', 0).text).toContain(
    '*paused* (five failures in a row)',
  );
});

test('fifty schedules fit into a message, those without buttons too', () => {
  const many = Array.from({ length: 50 }, (_, at) => ({ ...listed, schedule: { ...schedule, number: at } }));
  const { blocks } = renderSchedules(many, 'https://t.slack.com/', 1_700_000_000_000);
  expect(readBlocks(blocks, 'message', nextId)).toMatchObject({ ok: true });
  // Slack refuses about 13,200 characters (slack.md §2).
  expect(JSON.stringify(blocks).length).toBeLessThan(13_000);
  expect(JSON.stringify(blocks)).toContain('*9*');
  expect(JSON.stringify(blocks)).toMatch(/and \d+ more/);
});

test('a paused schedule has its Resume button, however many there are before it', () => {
  const many = Array.from({ length: 20 }, (_, at) => ({
    ...listed,
    schedule: { ...schedule, number: at + 1, ...(at < 18 ? {} : { pausedFor: 'failures' as const }) },
  }));
  const { blocks } = renderSchedules(many, 'https://t.slack.com/', 0);
  const numbers = blocks.flatMap((block, at) =>
    blocks[at + 1]?.type === 'actions' ? (JSON.stringify(block).match(/\*(\d+)\*/)?.[1] ?? []) : [],
  );
  expect(numbers).toEqual(['19', '20', '1', '2', '3', '4', '5', '6', '7', '8']);
});

test('if lines are long, each shown schedule has its own buttons below it, and the rest is counted', () => {
  const parameters = [{ name: 'text', value: { kind: 'text' as const, text: '"'.repeat(500) } }];
  const many = Array.from({ length: 50 }, (_, at) => ({
    ...listed,
    schedule: { ...schedule, number: at + 1, parameters },
  }));
  const { blocks } = renderSchedules(many, 'https://t.slack.com/', 1_700_000_000_000);
  expect(readBlocks(blocks, 'message', nextId)).toMatchObject({ ok: true });
  expect(JSON.stringify(blocks).length).toBeLessThan(13_000);
  const kinds = blocks.map(({ type }) => type);
  const rows = kinds.filter((type) => type === 'actions').length;
  expect(rows).toBeGreaterThan(5);
  expect(kinds).toEqual([
    'section',
    ...Array.from({ length: rows }, () => ['section', 'actions']).flat(),
    'section',
  ]);
  expect(JSON.stringify(blocks.at(-1))).toContain(`and ${50 - rows} more`);
});

test('the home tab has room for all that it shows, and says where it does not show all', () => {
  const times = { startedAt: 0, lastUsedAt: 0, createdAt: 0 };
  const record = {
    channel: 'C1',
    kernelId: 'k',
    kernelspec: 'p',
    startedBy: 'U1',
    lastRequester: 'U1',
    ...times,
  };
  const status = { record, displayName: 'P', state: 'idle', waiting: 0 };
  const kernels = Array.from({ length: 15 }, () => ({ status, mayChange: true })) as never;
  const run = { id: 'r', state: 'running', channel: 'C1', thread: '', createdAt: 0, requester: 'U1' };
  const data = { preview: 'x', codeLength: 1, kernelspec: 'p', edition: 1 };
  const runs = Array.from({ length: 10 }, () => ({ ...run, data }) as Run);
  const saved = Array.from({ length: 10 }, () => snippet);
  const schedules = Array.from({ length: 10 }, () => listed);
  const content = {
    botUserId: 'UBOT',
    notice: 'x',
    kernels,
    runs,
    saved,
    schedules,
    counts: { kernels: 40, saved: 10, schedules: 11 },
    workspaceUrl: 'https://t.slack.com/',
    now: 0,
  };
  const { blocks } = renderHome(content);
  expect(readBlocks(blocks, 'home', nextId)).toMatchObject({ ok: true });
  expect(blocks.length).toBeLessThanOrEqual(100);
  const headings = blocks.flatMap((block) => (block.type === 'header' ? [JSON.stringify(block)] : []));
  expect(headings.join()).toMatch(
    /Kernels of your channels \(15 of 40\).*Your last runs".*Saved in your channels".*Scheduled in your channels \(10 of 11\)/,
  );
  expect(JSON.stringify(renderHome({ ...content, saved: [], schedules: [] }))).not.toContain('Saved in your');
});

test('Stop on the home tab counts anew each time that the tab is rendered: an earlier one may have had no effect', () => {
  const data = { preview: '1', codeLength: 1, edition: 1, kernelspec: 'python3' };
  const run = { id: 'r1', channel: 'C1', thread: '', requester: 'U1', createdAt: 1, state: 'running', data };
  const counts = { kernels: 0, saved: 0, schedules: 0 };
  const about = { botUserId: 'UBOT', notice: undefined, kernels: [], saved: [], schedules: [], counts };
  const stopOf = (now: number): string | undefined => {
    const { blocks } = renderHome({
      ...about,
      runs: [run as unknown as Run],
      workspaceUrl: 'https://t.slack.com/',
      now,
    });
    return /"value":"(r1[^"]*)"/.exec(JSON.stringify(blocks))?.[1];
  };
  expect(stopOf(5)).toMatch(/^r1\|running/);
  expect(stopOf(5)).not.toBe(stopOf(6));
});

test('the root message names the saved snippet and the schedule', () => {
  const root = { requester: 'U1', language: 'Python 3', blocks: [], saved: { name: 'report' } };
  expect(renderRoot(root, 12_000).text).toContain('<@U1> ran Python 3, saved as report');
  const by = { id: 'k1', words: 'weekdays 8:00', isQuiet: false };
  expect(renderRoot({ ...root, saved: { name: 'report', schedule: by } }, 12_000).text).toContain(
    'Python 3, saved as report, scheduled by <@U1>, weekdays 8:00',
  );
});
