import { SPARK_TABLE_MIME } from '../../src/spark/sql/python.ts';
import type { ScriptedKernel, ScriptMessage } from '../../test/support/scripted-gateway.ts';
import { createMessageMonsters } from './monster-messages.ts';
import { createSessionMonsters } from './monster-sessions.ts';
import type { Monster } from './monster.ts';
import { untilTaken } from './until-taken.ts';

/** Texts on which a regular expression of src would have to backtrack from each position. */
const SEEDS: readonly string[] = [
  ' ',
  '\t',
  '\n',
  '(',
  ')',
  '"',
  "'",
  '<',
  '[',
  '{',
  '-',
  '+-',
  '1',
  '1,',
  'a',
  'a.',
  'é',
  '\u{1f600}',
  'a ',
  ' \n',
  '\r\n',
  '\u001b',
  '\u001b[',
  '\u001b[1;',
  '\u001b]8;;',
  '\u009b1',
  '\b',
  '\r',
  '<a ',
  '<table',
  '<caption>',
  '<td>',
  '&#',
  'Job aborted due to stage failure: ',
  'Job aborted due to stage failure: (TID 1) (',
  'Traceback (most recent call last):\n',
  'Traceback (most recent call last):\n  File "x", line 1\n',
  'The above exception was the direct cause',
  '== SQL\n',
  'Caused by: ',
  '  File "<',
  '  File a:1, in ',
  '  File "", line 1, in ',
  '----> ',
  'Cell In[1], line 1, in ',
  '1. a\n',
  'Error in parse(',
  'Error in a ',
  '<console>:1: error: ',
  '/ in ',
  '~ in ',
  'def a(',
  'def f(): -> ',
  ' | +-+---------------- 1 ----------------\n',
  '  + Exception Group Traceback (most recent call last):\n',
  '+---+\n|  a|\n+---+\n',
  '+-+',
  'x rows × ',
  '1 rows × 1 column',
  'shape: (1, ',
  'KeyboardInterrupt while sending command',
  'unexpected input\n1: “',
  '\u200b',
  '\ud800',
];

const JSON_TYPES = ['display_data', 'execute_result', 'update_display_data', 'comm_msg'] as const;
const DEPTHS = [5_000, 9_000, 20_000] as const;
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

const repeated = (seed: string, chars: number): string =>
  `a${seed.repeat(Math.ceil(chars / seed.length)).slice(0, chars)}b`;

function error(name: string, value: string, traceback: string[]): Pick<Monster, 'say' | 'reply'> {
  const content = { ename: name, evalue: value, traceback };
  return {
    say: (kernel, request) => void kernel.send('error', content, { parent: request }),
    reply: { status: 'error', ...content },
  };
}

function display(data: object, times = 1): Monster['say'] {
  return async (kernel, request) => {
    for (let n = 0; n < times; n += 1) {
      kernel.send('display_data', { data, metadata: {}, transient: {} }, { parent: request });
      if (n % 100 === 0) await untilTaken(kernel);
    }
  };
}

/** A message as long as the bot accepts. Its values are made when it is sent. */
function long(mime: string, make: () => unknown): Monster {
  const say: Monster['say'] = (kernel, request) => display({ [mime]: make() })(kernel, request);
  return { name: `${mime} of 30 MB: ${String(make).slice(6)}`, say };
}

/** The scripted gateway's own serialiser cannot write such a depth, so the text is inserted afterwards. */
function nested(type: string, depth: number, isBehind: boolean): Monster['say'] {
  return async (kernel, request) => {
    for (let n = 0; n < (isBehind ? 3_000 : 0); n += 1) {
      kernel.stream(request, `${n}\n`);
      if (n % 100 === 0) await untilTaken(kernel);
    }
    const data = { 'application/json': 'DEEP', 'text/plain': 'x' };
    const content = type === 'comm_msg' ? { comm_id: 'c', data } : { data, metadata: {}, transient: {} };
    const header = { msg_id: kernel.nextId(), msg_type: type, session: kernel.session, username: 'k' };
    const frame = { channel: 'iopub', header, parent_header: request.header, metadata: {}, content };
    kernel.sendRaw(JSON.stringify(frame).replace('"DEEP"', `${'['.repeat(depth)}0${']'.repeat(depth)}`));
  };
}

function streams(texts: readonly string[], times: number): Monster['say'] {
  return async (kernel, request) => {
    for (let n = 0; n < times; n += 1) {
      for (const [at, text] of texts.entries()) kernel.stream(request, text, at === 1 ? 'stderr' : 'stdout');
      if (n % 100 === 0) await untilTaken(kernel);
    }
  };
}

/** The monsters that were met, and those that are made from SEEDS: about 490. */
export function createMonsters(): Monster[] {
  const known: Monster[] = [
    { name: 'ValueError("a" + " " * 199_990 + "b")', ...error('ValueError', repeated(' ', 199_990), []) },
    { name: 'an exception name of 30 MB', ...error(repeated('E ', 30e6), 'v', []) },
    { name: 'a name, a value and a traceback of 7 MB', ...errorOf(' ', 7e6) },
    {
      name: '100,000 lines of traceback',
      ...error('E', 'v', Array<string>(100_000).fill('  File "x", line 1')),
    },
    ...JSON_TYPES.flatMap((type) =>
      DEPTHS.flatMap((depth) =>
        [false, true].map((isBehind) => ({
          name: `${type} nested ${depth} deep${isBehind ? ', the reader behind' : ''}`,
          say: nested(type, depth, isBehind),
        })),
      ),
    ),
    { name: '1,000,000 tiny pictures', say: display({ 'image/png': PIXEL }, 1_000_000) },
    { name: '20,000 alternations of stdout and stderr', say: streams(['o\n', 'e\n'], 20_000) },
    { name: '200,000 short lines', say: streams(['line\n'], 200_000) },
    { name: 'a line of 30 MB', say: streams(['x'.repeat(30e6)], 1) },
    { name: '30 MB of line breaks', say: streams(['\n'.repeat(30e6)], 1) },
    { name: '20,000 progress bars', say: streams(['\r 50%|#####     | 5/10'], 20_000) },
    { name: '5 MB of cursor movements', say: streams(['\u001b[5A\u001b[Kx\n'.repeat(500_000)], 1) },
    { name: 'text/plain of 20 MB', say: display({ 'text/plain': 'y '.repeat(10e6) }) },
    { name: 'a wide JSON of 10 MB', say: display({ 'application/json': Array(2e6).fill(12) }) },
    {
      name: '50,000 mime types',
      say: display(Object.fromEntries(Array.from({ length: 5e4 }, (_, n) => [`a/${n}`, 'x']))),
    },
    {
      name: 'a table of 2 MB',
      say: display({ 'text/html': `<table>${'<tr><td>1</td><td>2</td></tr>'.repeat(60_000)}</table>` }),
    },
    {
      name: 'spans',
      say: display({
        'text/html': `<table><tr>${'<td colspan=200 rowspan=200>x</td>'.repeat(5_000)}</tr></table>`,
      }),
    },
    { name: '12 svgs without an end', say: display({ 'image/svg+xml': endlessSvg() }, 12) },
    {
      name: 'an svg of 5 MB of links',
      say: display({ 'image/svg+xml': `<svg>${'<a href="x" '.repeat(400_000)}</svg>` }),
    },
    ...['text/plain', 'text/html', 'text/markdown', 'image/svg+xml', 'image/png', 'application/json'].flatMap(
      (mime) => [
        long(mime, () => '<'.repeat(30e6)),
        long(mime, () => '\n'.repeat(15e6)),
        long(mime, () => '"'.repeat(15e6)),
        long(mime, () => '€'.repeat(10e6)),
        long(mime, () => '<style>a</style>'.repeat(1.9e6)),
      ],
    ),
    long('application/json', () => Array.from({ length: 10e6 }, () => [])),
    long('application/json', () => Array.from({ length: 2.5e6 }, (_, n) => `text ${n}`)),
    long('application/json', () =>
      Object.fromEntries(Array.from({ length: 2e6 }, (_, n) => [`key ${n}`, 1])),
    ),
    long('application/vnd.vega.v5+json', () => ({ values: Array<number>(3.4e6).fill(1.25) })),
    { name: '5,000 displays cleared', say: (kernel, request) => clear(kernel, request, 5_000) },
    { name: '5,000 updates of a display', say: (kernel, request) => update(kernel, request, 5_000) },
    {
      name: 'a prompt of 20 kB with colours',
      say: (kernel, request) => ask(kernel, request, '\u001b[1;31m?'.repeat(2_000)),
    },
    {
      name: 'a Spark table of 20,000 rows',
      say: streams([`+---+\n|  a|\n+---+\n${'|  1|\n'.repeat(20_000)}+---+\n`], 1),
    },
    ...outputMonsters(),
    { name: '2,000 Spark tables that break off', say: streams(['+---+\n|  a|\n+---+\n'.repeat(2_000)], 1) },
  ];
  const made = SEEDS.flatMap((seed): Monster[] => {
    const shown = JSON.stringify(seed.slice(0, 24));
    return [
      { name: `an error of ${shown}`, ...errorOf(seed, 200_000) },
      {
        name: `1 MB of ${shown} on both streams`,
        say: streams([repeated(seed, 1e6), repeated(seed, 1e6)], 1),
      },
      { name: `HTML of ${shown}`, say: display({ 'text/html': `<table>${repeated(seed, 290_000)}` }) },
      ...(seed.length > 3 ? [] : [{ name: `a prompt of ${shown}`, say: asked(seed) }]),
    ];
  });
  return [...known, ...made, ...createMessageMonsters(), ...createSessionMonsters()];
}

/** Small outputs that cost much: rows, columns, widgets, displays, forms of a value. */
function outputMonsters(): Monster[] {
  const pipes = '+-'.repeat(300_000);
  return [
    {
      name: 'a Spark table of 2 MB of rows',
      say: streams([`+-+\n|a|\n+-+\n${'|1|\n'.repeat(495_000)}+-+\n`], 1),
    },
    { name: 'a Spark table of 300,000 columns', say: streams([`${pipes}+\n|\n${pipes}+\n`], 1) },
    {
      name: 'a Spark table as a result',
      say: display({ 'text/plain': `+-+\n|a|\n+-+\n${'|1|\n'.repeat(300_000)}+-+` }),
    },
    {
      name: '60 tables of cells that are repeated in many places',
      say: display(
        {
          'text/html': `<table><tr>${`<td colspan=5 rowspan=200>${'x'.repeat(990)}`.repeat(10)}${'<tr><td>'.repeat(199)}</table>`,
        },
        60,
      ),
    },
    { name: '2 MB of borders', say: streams(['+-+\n'.repeat(495_000)], 1) },
    { name: '2 MB of tables that break off', say: streams(['+-+\n|\n'.repeat(330_000)], 1) },
    {
      name: 'a SQL result of 600,000 rows',
      say: display({
        [SPARK_TABLE_MIME]: `{"columns":["a"],"rows":[${'["1"],'.repeat(600_000)}["1"]],"cut":false,"cutCells":false}`,
      }),
    },
    {
      name: 'a SQL result of 200,000 columns',
      say: display({
        [SPARK_TABLE_MIME]: JSON.stringify({
          columns: Array(200_000).fill('a'),
          rows: [Array(200_000).fill('1')],
          cut: true,
          cutCells: false,
          frame: 'abcdef01',
        }),
      }),
    },
    {
      name: 'a table of one row',
      say: display({ 'text/html': `<table><tr>${'<td>1'.repeat(390_000)}</tr></table>` }),
    },
    {
      name: 'spans of long cells',
      say: display({
        'text/html': `<table><tr>${`<td colspan=200 rowspan=200>${'x'.repeat(1_900)}`.repeat(12)}${'<tr><td>'.repeat(200)}</table>`,
      }),
    },
    { name: 'a tag of 80,000 attributes', say: display({ 'text/html': `<p ${'a1 b2 '.repeat(45_000)}>` }) },
    {
      name: 'a table tag of many attributes',
      say: display({
        'text/html': `<table ${Array.from({ length: 200_000 }, (_, n) => `a${n}`).join(' ')}><tr><td>1</table>`,
      }),
    },
    { name: 'breaks and entities', say: display({ 'text/html': '<br>&amp;&lt;'.repeat(20_000) }) },
    {
      name: 'sound of which only beginnings come',
      say: display({ 'text/html': `<audio src="${'data:audio/'.repeat(2_700_000)}` }),
    },
    {
      name: 'a Bokeh script of 30 MB',
      say: display({
        'application/javascript': '"roots":{aaaaaaa'.repeat(1_900_000),
        'application/vnd.bokehjs_exec.v0+json': '',
      }),
    },
    {
      name: 'LaTeX and Markdown of 5 MB',
      say: display({ 'text/latex': '$\\a_'.repeat(1e6), 'text/markdown': '*_`[]('.repeat(8e5) }),
    },
    {
      name: 'JSON that is wide and 90 deep',
      say: display({
        'application/json': JSON.parse(`${'['.repeat(90)}${'1,'.repeat(30_000)}1${']'.repeat(90)}`),
      }),
    },
    {
      name: 'metadata of 50,000 keys',
      say: (kernel, request) =>
        void kernel.send(
          'display_data',
          {
            data: { 'text/plain': 'x' },
            metadata: Object.fromEntries(Array.from({ length: 5e4 }, (_, n) => [`k${n}`, n])),
          },
          { parent: request },
        ),
    },
    {
      name: '20 frames of 290 kB of keys',
      say: display(
        { 'application/json': Object.fromEntries(Array.from({ length: 26_000 }, (_, n) => [`k${n}`, 1])) },
        20,
      ),
    },
    { name: '10,000 displays with ids, each updated', say: manyDisplays },
    { name: '20,000 clears', say: (kernel, request) => clear(kernel, request, 20_000) },
    { name: '50,000 widgets', say: (kernel, request) => widgets(kernel, request, 50_000) },
    { name: 'boxes of boxes of widgets', say: boxes },
    { name: 'a prompt of 20 MB', say: (kernel, request) => ask(kernel, request, 'really? '.repeat(2.5e6)) },
    {
      name: '500 prompts',
      say: (kernel, request) => {
        for (let n = 0; n < 500; n += 1) ask(kernel, request, `${n}`.repeat(5_000));
      },
    },
    { name: '1 MB of console bars', say: streams(['ok\n', '\r[Stage 1:=>(1 + 1) / 2]'.repeat(43_000)], 1) },
    {
      name: '1 MB of beginnings of console bars',
      say: streams(['ok\n', '\r[Stage 1:===='.repeat(70_000)], 1),
    },
    {
      name: '100,000 stages',
      say: streams(
        ['ok\n', Array.from({ length: 1e5 }, (_, n) => `\r[Stage ${n}:>(0 + 1) / 9]`).join('')],
        1,
      ),
    },
    {
      name: 'a cursor that goes far on a long line',
      say: streams(['x'.repeat(60_000), '\u001b[59990GY\b\bZ'.repeat(60_000)], 1),
    },
    {
      name: 'words of the observer of 10 MB',
      say: (kernel, request) =>
        void kernel.send(
          'comm_msg',
          {
            comm_id: 'sparkthread.spark',
            data: { jobs: Array(5e5).fill(1), tasks: [1], at: { app: 'a'.repeat(5e6), ui: 'u'.repeat(5e6) } },
          },
          { parent: request },
        ),
    },
    {
      name: '100,000 statuses',
      say: async (kernel, request) => {
        for (let n = 0; n < 100_000; n += 1) {
          kernel.send('status', { execution_state: 'busy' }, { parent: request });
          if (n % 100 === 0) await untilTaken(kernel);
        }
      },
    },
    {
      name: 'a reply of 20,000 pages',
      say: () => undefined,
      reply: {
        payload: Array.from({ length: 20_000 }, (_, n) => ({
          source: 'page',
          data: { 'text/plain': `${n}` },
        })),
      },
    },
    { name: '250,000 blank lines of traceback', ...error('E', 'v', Array<string>(250_000).fill('')) },
    {
      name: 'stream text of 250,000 lines as an array',
      say: (kernel, request) =>
        void kernel.send(
          'stream',
          { name: 'stdout', text: Array<string>(250_000).fill('a\n') },
          { parent: request },
        ),
    },
  ];
}

async function manyDisplays(kernel: ScriptedKernel, request: ScriptMessage): Promise<void> {
  for (let n = 0; n < 10_000; n += 1) {
    const content = {
      data: { 'text/plain': `${n}` },
      metadata: {},
      transient: { display_id: `display ${n}` },
    };
    kernel.send('display_data', content, { parent: request });
    kernel.send('update_display_data', content, { parent: request });
    if (n % 100 === 0) await untilTaken(kernel);
  }
}

function openWidget(kernel: ScriptedKernel, request: ScriptMessage, id: string, state: object): void {
  kernel.send(
    'comm_open',
    { comm_id: id, target_name: 'jupyter.widget', data: { state } },
    { parent: request },
  );
}

function showWidget(kernel: ScriptedKernel, request: ScriptMessage, id: string): void {
  const data = { 'application/vnd.jupyter.widget-view+json': { model_id: id }, 'text/plain': 'Box()' };
  kernel.send('display_data', { data, metadata: {} }, { parent: request });
}

async function widgets(kernel: ScriptedKernel, request: ScriptMessage, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    openWidget(kernel, request, `${n}`, {
      _model_name: 'HTMLModel',
      value: '<b>'.repeat(150),
      description: 'd',
    });
    if (n < 200) showWidget(kernel, request, `${n}`);
    if (n % 100 === 0) await untilTaken(kernel);
  }
}

/** Each holds the next one 50 times. */
async function boxes(kernel: ScriptedKernel, request: ScriptMessage): Promise<void> {
  for (let n = 0; n < 10; n += 1)
    openWidget(kernel, request, `box ${n}`, {
      _model_name: 'VBoxModel',
      children: Array(50).fill(`IPY_MODEL_box ${n + 1}`),
    });
  openWidget(kernel, request, 'box 10', { _model_name: 'LabelModel', value: 'x' });
  for (let n = 0; n < 10; n += 1) showWidget(kernel, request, `box ${n}`);
  openWidget(kernel, request, 'box 10', { _model_name: 'LabelModel', value: 'y' });
  await untilTaken(kernel);
}

function errorOf(seed: string, chars: number): Pick<Monster, 'say' | 'reply'> {
  const text = repeated(seed, chars);
  return error(text, text, [text, text]);
}

/** Filters upon filters: a renderer needs minutes for it. */
function endlessSvg(): string {
  const uses = Array.from(
    { length: 25 },
    (_, n) => `<g id="g${n + 1}"><use href="#g${n}"/><use href="#g${n}"/></g>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><defs><g id="g0"><rect width="1" height="1"/></g>${uses.join('')}</defs><use href="#g25"/></svg>`;
}

async function clear(kernel: ScriptedKernel, request: ScriptMessage, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    kernel.send('display_data', { data: { 'text/plain': `${n}` }, metadata: {} }, { parent: request });
    kernel.send('clear_output', { wait: n % 2 === 0 }, { parent: request });
    if (n % 100 === 0) await untilTaken(kernel);
  }
}

function updated(n: number): object {
  return {
    data: { 'image/png': PIXEL, 'text/plain': `${n}` },
    metadata: {},
    transient: { display_id: 'd' },
  };
}

async function update(kernel: ScriptedKernel, request: ScriptMessage, times: number): Promise<void> {
  kernel.send('display_data', updated(0), { parent: request });
  for (let n = 1; n < times; n += 1) {
    kernel.send('update_display_data', updated(n), { parent: request });
    if (n % 100 === 0) await untilTaken(kernel);
  }
}

function asked(seed: string): Monster['say'] {
  return (kernel, request) => ask(kernel, request, repeated(seed, 20_000));
}

/** Asks for input and goes on when the question has been seen, without an answer. */
function ask(kernel: ScriptedKernel, request: ScriptMessage, prompt: string): void {
  kernel.send('input_request', { prompt, password: false }, { parent: request, channel: 'stdin' });
}
