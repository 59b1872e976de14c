import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type KernelGateway, startKernelGateway } from '../../../demo/gateway.ts';
import { type Playground, startPlayground } from '../../../playground/playground.ts';
import { renderThreadAsText } from '../../../playground/render-text.ts';
import { type Answered, askMessage, askSlash } from '../../support/ask.ts';
import { type StartedBot, startBot } from '../../support/start-bot.ts';

/** Spark SQL from Slack to a real Spark in a Python kernel and back. */
let gateway: KernelGateway;
let playground: Playground;
let bot: StartedBot;

beforeAll(async () => {
  gateway = await startKernelGateway({ provisioned: inject('provisioned') });
  playground = await startPlayground({ rates: false });
  bot = await startBot({ playground, gateway: { httpUrl: gateway.url, token: gateway.token } });
});
afterAll(async () => {
  await bot?.[Symbol.asyncDispose]();
  await playground?.stop();
  await gateway?.[Symbol.asyncDispose]();
});

/** The thread, once the table of its answer is in it too. */
const withTable = async ({ thread }: Answered): Promise<string> => {
  await playground.waitForReply(
    '#data',
    thread,
    ({ metadata }) => metadata?.event_type === 'sparkthread_table',
  );
  return renderThreadAsText(playground, '#data', thread);
};

const csv = (): string => {
  const file = playground.files.findLast(({ file: { name } }) => name === 'table.csv');
  return Buffer.from(file?.bytes ?? []).toString();
};

test('statements in order, the last result as a table; views are those of the channel’s own code', async () => {
  const created = await askSlash(
    playground,
    'ana',
    '#data',
    "/spark sql create temp view pairs as -- a; comment\nselect id, concat(id, ';$x') as `a;b` from range(3);",
  );
  expect(created.outcome).toBe('ok');
  expect(created.text).toMatch(/@ana ran SQL\n/);
  expect(created.text).toMatch(/│ Done\n[^]*Done · .* · python3-spark\n/);
  const typed = 'sql\nselect 1;\nselect `a;b`, array(id) ids, null n from pairs order by id desc';
  const text = await withTable(
    await askMessage(playground, 'ben', '#data', `<@${playground.bot.id}>\n\`\`\`\n${typed}\n\`\`\``),
  );
  expect(text).toMatch(/a;b.*ids.*n[^]*2;\$x.*\[2\].*NULL[^]*0;\$x.*\[0\].*NULL/);
  expect(text).toContain('3 rows × 3 columns');
  const seen = await askSlash(playground, 'ana', '#data', '/spark spark.table("pairs").count()');
  expect(seen.text).toMatch(/│ 3\n/);
});

test('a long result is cut at SQL_ROWS, which is said, and all of that is a file', async () => {
  const typed = '/spark sql select id, id * 2 as twice from range(5000)';
  const text = await withTable(await askSlash(playground, 'ana', '#data', typed));
  await playground.waitFor(() => csv() !== '' || undefined);
  expect(text).toMatch(/The first \d+ of the first 1,000 rows × 2 columns/);
  expect(csv().split('\n')).toHaveLength(1_002);
  expect(csv()).toMatch(/^id,twice\n0,0\n[^]*\n999,1998\n$/);
});

test('what Spark refuses is its sentence, with the place in what was typed', async () => {
  const { text, outcome } = await askSlash(
    playground,
    'ana',
    '#data',
    '/spark sql select 1;\n\nselect id\n  from nowhere',
  );
  expect(outcome).toBe('raised');
  expect(text).toMatch(
    /AnalysisException: \[TABLE_OR_VIEW_NOT_FOUND\] The table or view `nowhere` cannot be found/,
  );
  expect(text).toMatch(/│ line 4: from nowhere\n.*│ {14}\^\n/);
  expect(text).not.toMatch(/sparkthread_tables|UnresolvedRelation/);
  const misspelt = await askSlash(playground, 'ana', '#data', '/spark sql selec 1');
  expect(misspelt.text).toMatch(/ParseException: .*'selec'[^]*│ line 1: selec 1\n.*│ {9}\^\n/);
});

test('use sql: what names no language is SQL until another is chosen', async () => {
  await playground.as('ana').slash('#data', '/spark use sql');
  await playground.waitForMessage('#data', ({ text }) => text.includes('to Spark SQL, on `python3-spark`'));
  const text = await withTable(await askSlash(playground, 'ana', '#data', '/spark select 6 * 7 as answer'));
  expect(text).toMatch(/@ana ran SQL\n[^]*answer[^]*42/);
  await playground.as('ana').slash('#data', '/spark use python3-spark');
  await playground.waitForMessage('#data', ({ text: told }) =>
    told.includes('of this channel to `python3-spark`'),
  );
  expect((await askSlash(playground, 'ana', '#data', '/spark 6 * 7')).text).toMatch(/│ 42\n/);
});

test('nothing is left among the names of those who use the kernel', async () => {
  const { text } = await askSlash(
    playground,
    'ana',
    '#data',
    '/spark [name for name in globals() if name in ("json", "re", "itertools", "split", "run_sql", "module")]',
  );
  expect(text).toMatch(/│ \[\]\n/);
});
