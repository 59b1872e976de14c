import { expect, test } from 'vitest';
import type { ExportedOutput } from '../../../../src/notebooks/export.ts';
import { readRunData, type Run, type RunData } from '../../../../src/runs/run.ts';
import type { Bot } from '../../../../src/slack/context.ts';
import { collectRuns } from '../../../../src/slack/exports/collect-runs.ts';
import type { ThreadFile, ThreadMessage } from '../../../../src/slack/exports/threads.ts';

const outcome = {
  kind: 'ok',
  durationMs: 1_500,
  kernelspec: 'python3',
  variablesLost: false,
  possibleGap: false,
} as const;

function run(id: string, data: Partial<RunData>): Run {
  const known = { ...readRunData(undefined), isUnreadable: false, kernelspec: 'python3', language: 'Python' };
  return {
    id,
    workspace: 'T1',
    channel: 'C1',
    thread: '1.000001',
    queue: 'T1/C1',
    requester: 'U1',
    state: 'posted',
    order: 1,
    createdAt: Date.UTC(2026, 2, 2, 8),
    updatedAt: 0,
    data: {
      ...known,
      blockCount: 1,
      messageTs: `m-${id}`,
      ...('isUnended' in data ? {} : { outcome }),
      ...data,
    },
  };
}

const file = (id: string, more: Partial<ThreadFile> = {}): ThreadFile => ({
  id,
  name: `${id}.png`,
  mimetype: 'image/png',
  size: 10,
  url: 'https://slack.com/x',
  permalink: `https://slack.com/${id}`,
  alt: `a plot ${id}`,
  isGone: false,
  ...more,
});

const italic = (text: string) => ({
  type: 'rich_text_section',
  elements: [{ type: 'text', text, style: { italic: true } }],
});
const pre = (text: string) => ({ type: 'rich_text_preformatted', elements: [{ type: 'text', text }] });
const answer = (id: string, ...elements: object[]): ThreadMessage => ({
  ts: `m-${id}`,
  blocks: [{ type: 'rich_text', elements }],
  files: [],
});
const withFiles = (...files: ThreadFile[]): ThreadMessage => ({ ts: 'f', blocks: [], files });

async function outputsOf(
  data: Partial<RunData>,
  ...messages: ThreadMessage[]
): Promise<readonly ExportedOutput[]> {
  const [collected] = await collectRuns([run('r', data)], port(messages));
  return collected?.outputs ?? [];
}

function port(messages: ThreadMessage[], failing = new Set<string>()): Bot {
  return {
    runs: { code: async () => ['1'] },
    workspaceUrl: 'https://team.slack.com/',
    users: { find: async (id: string) => ({ id, name: 'ana_*' }) },
    threads: {
      messages: async () => messages,
      download: async ({ id }: ThreadFile) => {
        if (failing.has(id)) throw new Error('no');
        return Buffer.from(`bytes of ${id}`);
      },
      attach: async () => undefined,
    },
  } as unknown as Bot;
}

test('pictures and tables come where the answer mentions them, and others at the end', async () => {
  const data = { files: ['one', 'two', 'more'], replies: ['t'] };
  const table = {
    ts: 't',
    blocks: [{ type: 'table', rows: [[{ type: 'raw_text', text: 'a' }]] }],
    files: [],
  };
  const outputs = await outputsOf(
    data,
    answer(
      'r',
      pre('first'),
      italic('2 images below'),
      italic('Table below: 0 rows × 1 column'),
      pre('last'),
    ),
    withFiles(file('one'), file('two'), file('more')),
    table,
  );
  const picture = (id: string) => ({
    kind: 'display',
    data: { 'image/png': btoa(`bytes of ${id}`), 'text/plain': `a plot ${id}` },
  });
  expect(outputs).toEqual([
    { kind: 'stream', name: 'stdout', text: 'first\n' },
    picture('one'),
    picture('two'),
    { kind: 'display', data: { 'text/html': expect.stringContaining('<th>a</th>'), 'text/plain': 'a' } },
    { kind: 'stream', name: 'stdout', text: 'last\n' },
    picture('more'),
  ]);
});

test('if a thread cannot be read, nothing of it is called deleted', async () => {
  const bot = port([]);
  bot.threads.messages = async () => await Promise.reject(new Error('ratelimited'));
  const [collected] = await collectRuns([run('r', {})], bot);
  expect(collected?.outputs).toEqual([
    { kind: 'note', words: 'the answer of this run could not be read from Slack' },
  ]);
});

test('an attached file with the whole text replaces the text of the message', async () => {
  const attached = file('out', { name: 'output.txt', mimetype: 'text/plain' });
  const shown = answer('r', pre('head'), italic('… 9 lines hidden, all in output.txt …'), pre('tail'));
  expect(await outputsOf({ files: ['out'] }, shown, withFiles(attached))).toEqual([
    { kind: 'stream', name: 'stdout', text: 'bytes of out' },
  ]);
});

test('deleted files, files that are too large and files that stay in Slack are mentioned', async () => {
  const files = [
    file('gone', { isGone: true }),
    file('large', { size: 11_000_000 }),
    file('page', { name: 'page.html', mimetype: 'text/html' }),
  ];
  const data = { files: ['gone', 'unknown', 'large', 'page'], replies: ['t'] };
  const outputs = await outputsOf(data, answer('r', italic('Table below: 1 row')), withFiles(...files));
  expect(outputs.map((output) => output.kind === 'note' && output.words)).toEqual([
    'the file gone.png is not in Slack any more',
    'the file large.png is too large to be here: https://slack.com/large',
    'a file is not in Slack any more',
    'the file page.html is in Slack: https://slack.com/page',
    'a table is not in Slack any more',
  ]);
  const unended = { isUnended: true } as Partial<RunData>;
  expect(await outputsOf({})).toEqual([
    { kind: 'note', words: 'the answer of this run is not in Slack any more' },
  ]);
  expect(await outputsOf(unended, answer('r', pre('so far')))).toEqual([
    { kind: 'note', words: 'this run has not ended yet' },
  ]);
});

test.each([
  ['alone', [pre('KeyError: x\nline 1: d["x"]')], [], ['KeyError: x', 'line 1: d["x"]']],
  [
    'behind what was printed, with its traceback, before stderr',
    [
      pre('n: 1'),
      pre('KeyError: x\nline 1: d["x"]'),
      pre('Cell In[1], line 1\n----> 1 d["x"]'),
      italic('… 9 lines hidden …'),
      pre('end'),
      italic('stderr'),
      pre('careful'),
    ],
    [
      { kind: 'stream', name: 'stdout', text: 'n: 1\n' },
      { kind: 'stream', name: 'stderr', text: 'careful\n' },
    ],
    ['KeyError: x', 'line 1: d["x"]', 'Cell In[1], line 1', '----> 1 d["x"]', '… 9 lines hidden …', 'end'],
  ],
  [
    'without a line of the user’s',
    [pre('hi'), pre('KeyError: x'), pre('raised elsewhere')],
    [{ kind: 'stream', name: 'stdout', text: 'hi\n' }],
    ['KeyError: x', 'raised elsewhere'],
  ],
  [
    'behind a printed text that has a line of such a form',
    [pre('x\nline 3'), pre('KeyError: x')],
    [{ kind: 'stream', name: 'stdout', text: 'x\nline 3\n' }],
    ['KeyError: x'],
  ],
  [
    'in a function of an earlier snippet, before a traceback that names another error',
    [pre('KeyError: x\nIn [4], line 2, in f: d["x"]'), pre('ValueError: y\nfirst')],
    [],
    ['KeyError: x', 'In [4], line 2, in f: d["x"]', 'ValueError: y', 'first'],
  ],
])('an error is read from where the answer tells it: %s', async (_where, elements, others, traceback) => {
  const raised = { outcome: { ...outcome, kind: 'raised' as const } };
  expect(await outputsOf(raised, answer('r', ...elements))).toEqual([
    ...others,
    { kind: 'error', name: 'KeyError', value: 'x', traceback },
  ]);
});

test('an error without a message keeps its name', async () => {
  const raised = { outcome: { ...outcome, kind: 'raised' as const } };
  const [error] = await outputsOf(raised, answer('r', pre('SystemExit\nline 1: raise SystemExit')));
  expect(error).toMatchObject({ kind: 'error', name: 'SystemExit', value: '' });
});

test('the heading says who, when and how', async () => {
  const runs = [run('b', { follows: 'a', edition: 2 })];
  const collected = await collectRuns(runs, port([answer('b')]));
  expect(collected[0]?.heading).toBe(
    '**ana\\_\\*** · 2026-03-02 08:00 UTC · Done · 1.5 s · python3 · edited, run 2 · [in Slack](https://team.slack.com/archives/C1/pm-b?thread_ts=1.000001&cid=C1)',
  );
});

test('the language is the kernelspec’s own word, by which papermill knows R', async () => {
  const [collected] = await collectRuns([run('r', { kernelspec: 'ir', language: 'R' })], port([answer('r')]));
  expect(collected?.language).toBe('R');
});

test('SQL becomes code that runs it in a kernel without the bot', async () => {
  const bot = port([answer('r')]);
  bot.runs.code = async () => ["use a; -- b\nselect 'c;d'\nfrom t;", 'select "é$"'];
  const codeIn = async (language: string) => {
    const runs = [run('r', { dialect: 'sql', blockCount: 2, language })];
    return (await collectRuns(runs, bot))[0]?.code;
  };
  const inPython = [
    'spark.sql("use a")\nspark.sql("""\nselect \'c;d\'\nfrom t\n""").show()',
    String.raw`spark.sql("select \"é$\"").show()`,
  ];
  expect(await codeIn('Python')).toEqual(inPython);
  expect(await codeIn('scala')).toEqual(inPython);
  expect(await codeIn('R')).toEqual([
    String.raw`SparkR::sql("use a")` + '\n' + String.raw`SparkR::showDF(SparkR::sql("select 'c;d'\nfrom t"))`,
    String.raw`SparkR::showDF(SparkR::sql("select \"é$\""))`,
  ]);
});

test('All rows as CSV exports the rows, but not the bot’s code', async () => {
  const [collected] = await collectRuns([run('r', { origin: 'allRows' })], port([answer('r', pre('a'))]));
  expect(collected?.code).toEqual(['# All rows of a table']);
  expect(collected?.outputs).toHaveLength(1);
});

test('a missing picture that the answer mentions has a note; a notice of the end is no table', async () => {
  const notice = {
    ts: 't',
    blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'done' } }],
    files: [],
  };
  const outputs = await outputsOf({ replies: ['t'] }, answer('r', italic('2 images below')), notice);
  expect(outputs).toEqual([{ kind: 'note', words: '2 pictures are not here' }]);
  const deleted = await outputsOf({ replies: ['t'] }, answer('r', pre('a')));
  expect(deleted).toEqual([{ kind: 'stream', name: 'stdout', text: 'a\n' }]);
});

test('many threads are read a few at a time, each of them once', async () => {
  let asked = 0;
  let atOnce = 0;
  let most = 0;
  const bot = port([answer('r')]);
  bot.threads.messages = async () => {
    asked += 1;
    atOnce += 1;
    most = Math.max(most, atOnce);
    await new Promise(setImmediate);
    atOnce -= 1;
    return [answer('r')];
  };
  const runs = Array.from({ length: 100 }, (_, n) => ({ ...run(`r${n}`, {}), thread: `${n % 50}.000001` }));
  expect(await collectRuns(runs, bot)).toHaveLength(100);
  expect(asked).toBe(50);
  expect(most).toBeLessThanOrEqual(8);
});
