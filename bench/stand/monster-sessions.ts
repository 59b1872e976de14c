import { SPARK_TABLE_MIME } from '../../src/spark/sql/python.ts';
import type { ScriptedKernel, ScriptMessage } from '../../test/support/scripted-gateway.ts';
import type { Monster } from './monster.ts';
import { untilTaken } from './until-taken.ts';

/** What a careless notebook sends, very many times or very long, and kernels that do not keep the protocol. */
export function createSessionMonsters(): Monster[] {
  return [...notebooks(), ...texts(), ...lengths(), ...orders(), ...binaries()];
}

type Say = Monster['say'];

function often(
  times: number,
  say: (kernel: ScriptedKernel, request: ScriptMessage, n: number) => unknown,
): Say {
  return async (kernel, request) => {
    for (let n = 0; n < times; n += 1) {
      say(kernel, request, n);
      if (n % 100 === 0) await untilTaken(kernel);
    }
  };
}

const said =
  (type: string, make: () => object, channel = 'iopub'): Say =>
  (kernel, request) =>
    void kernel.send(type, make(), { parent: request, channel });

const shown = (make: () => object): Say => said('display_data', () => ({ data: make(), metadata: {} }));

function raised(name: string, make: () => { ename: string; evalue: string; traceback: string[] }): Monster {
  return {
    name,
    isWhole: true,
    say: (kernel, request) => {
      const content = { status: 'error', ...make() };
      kernel.begin(request);
      kernel.send('error', content, { parent: request });
      kernel.end(request, content);
    },
    reply: { status: 'error' },
  };
}

function whole(name: string, say: (kernel: ScriptedKernel, request: ScriptMessage) => void): Monster {
  return { name, say, isWhole: true };
}

const display = (id: string, text: string): object => ({
  data: { 'text/plain': text },
  metadata: {},
  transient: { display_id: id },
});

function notebooks(): Monster[] {
  const forms = ['png', 'jpeg', 'gif', 'webp', 'bmp', 'tiff'].map((name) => `image/${name}`);
  return [
    {
      name: '1,000,000 clears that wait',
      say: often(1e6, (kernel, request) => kernel.send('clear_output', { wait: true }, { parent: request })),
    },
    {
      name: '100,000 displays with ids, then an update of each',
      say: async (kernel, request) => {
        for (const type of ['display_data', 'update_display_data'])
          await often(1e5, (_, __, n) => kernel.send(type, display(`${n}`, 'x'), { parent: request }))(
            kernel,
            request,
          );
      },
    },
    {
      name: '100,000 results',
      say: often(1e5, (kernel, request, n) =>
        kernel.send(
          'execute_result',
          { data: { 'text/plain': `${n}` }, metadata: {}, execution_count: n },
          { parent: request },
        ),
      ),
    },
    {
      name: '100,000 pieces of streams of other names',
      say: often(1e5, (kernel, request, n) => kernel.stream(request, 'x\n', `stream ${n}`)),
    },
    {
      name: '200,000 messages of comms that nobody opened',
      say: often(2e5, (kernel, request, n) =>
        kernel.send(
          'comm_msg',
          { comm_id: `c${n}`, data: { method: 'custom', content: n } },
          { parent: request },
        ),
      ),
    },
    {
      name: '100,000 comms in displays',
      say: often(1e5, (kernel, request, n) =>
        shown(() => ({ 'application/vnd.sparkthread.comm+json': `{"comm_id":"c${n}","data":{}}` }))(
          kernel,
          request,
        ),
      ),
    },
    {
      name: '5,000 prompts of 20 kB',
      say: often(5_000, (kernel, request, n) =>
        said(
          'input_request',
          () => ({ prompt: `${n} `.repeat(5_000), password: n % 2 === 0 }),
          'stdin',
        )(kernel, request),
      ),
    },
    {
      name: '200 displays of 290 kB',
      say: often(200, (kernel, request) =>
        shown(() => ({ 'text/plain': 'a b\n'.repeat(72_000) }))(kernel, request),
      ),
    },
    {
      name: '200 results of 290 kB in a hundred forms',
      say: often(200, (kernel, request) =>
        shown(() =>
          Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`text/x-${n}`, 'y '.repeat(1_450)])),
        )(kernel, request),
      ),
    },
    {
      name: 'a value of 30 MB in six forms',
      say: shown(() => ({
        'text/plain': 'x '.repeat(2.5e6),
        'text/html': '<p>x'.repeat(1.2e6),
        'text/markdown': '*x* '.repeat(1.2e6),
        'text/latex': '$x$ '.repeat(1.2e6),
        'application/json': ['x'.repeat(5e6)],
        'application/vnd.plotly.v1+json': { data: ['x'.repeat(5e6)] },
      })),
    },
    {
      name: '300 tables of 50,000 letters of three bytes',
      say: often(300, (kernel, request) =>
        shown(() => ({
          'text/html': `<table>${`<tr>${`<td>${'€'.repeat(240)}`.repeat(10)}`.repeat(20)}</table>`,
        }))(kernel, request),
      ),
    },
    {
      name: 'pictures of 5 MB of six kinds, none of them one',
      say: shown(() => Object.fromEntries(forms.map((form) => [form, 'QUJD'.repeat(1.2e6)]))),
    },
    {
      name: 'a picture of 30 MB as 390,000 lines',
      say: shown(() => ({ 'image/png': Array<string>(390_000).fill(`${'A'.repeat(76)}\n`) })),
    },
    {
      name: 'a chart of 50 MB',
      outcome: 'outputLost',
      say: shown(() => ({ 'application/vnd.vegalite.v5+json': { data: { values: 'v'.repeat(50e6) } } })),
    },
    {
      name: 'a chart of 31 MB of points',
      say: shown(() => ({
        'application/vnd.plotly.v1+json': {
          data: Array.from({ length: 1e6 }, () => ({ x: 1.25, y: [2], text: 'a' })),
        },
        'text/html': '<div id="a"></div><script>draw()</script>',
      })),
    },
    {
      name: 'a widget whose state is 30 MB',
      say: said('comm_open', () => ({
        comm_id: 'w',
        target_name: 'jupyter.widget',
        data: { state: { _model_name: 'HTMLModel', value: '<b>'.repeat(5e6), layout: 'l'.repeat(15e6) } },
      })),
    },
    {
      name: 'metadata of 30 MB',
      say: said('display_data', () => ({
        data: { 'text/plain': 'x' },
        metadata: { 'image/png': { width: '9'.repeat(15e6) }, note: '"'.repeat(7e6) },
      })),
    },
    ...['complete_reply', 'inspect_reply', 'history_reply', 'is_complete_reply', 'debug_event'].map(
      (type) => ({
        name: `${type} of 20 MB`,
        say: said(
          type,
          () => ({ status: 'ok', matches: Array(2e5).fill('a'), text: 'b'.repeat(2e7) }),
          'shell',
        ),
      }),
    ),
    {
      name: 'a SQL result of 4 MB in one cell, nine times',
      say: often(9, (kernel, request) =>
        shown(() => ({
          [SPARK_TABLE_MIME]: JSON.stringify({
            columns: ['a'],
            rows: [['x '.repeat(1.9e6)]],
            cut: false,
            cutCells: false,
          }),
        }))(kernel, request),
      ),
    },
  ];
}

const printed = (name: string, make: () => string, stream = 'stdout'): Monster => ({
  name,
  say: (kernel, request) => kernel.stream(request, make(), stream),
});

function texts(): Monster[] {
  const html = (name: string, make: () => string): Monster => ({
    name,
    say: shown(() => ({ 'text/html': make() })),
  });
  const svg = (name: string, make: () => string): Monster => ({
    name,
    say: shown(() => ({ 'image/svg+xml': make() })),
  });
  const longLine = '\u001b[31mx\u001b[0m '.repeat(1.4e6);
  return [
    raised('a traceback of 25 MB without a line break', () => ({
      ename: 'E',
      evalue: 'v',
      traceback: [longLine],
    })),
    raised('a message of 25 MB with colours', () => ({ ename: 'E', evalue: longLine, traceback: [] })),
    raised('a million lines of a traceback in one text', () => ({
      ename: 'E',
      evalue: 'v',
      traceback: ['  File "a.py", line 1, in f\n    f()\n'.repeat(700_000)],
    })),
    raised('a JVM error of 25 MB', () => ({
      ename: 'Py4JJavaError',
      evalue: `An error occurred while calling o1.count.\n: org.apache.spark.SparkException: ${'Job aborted\n\tat a.b(C.java:1)\n'.repeat(800_000)}`,
      traceback: ['Caused by: a.B: c\n\tat a.b(C.java:1)\n'.repeat(100_000)],
    })),
    raised('an error of R of 25 MB', () => ({
      ename: 'ERROR',
      evalue: 'Error in f(x): '.repeat(1.7e6),
      traceback: ['Error in f(x): no\nTraceback:\n', '1. f(x)\n'.repeat(1e5)],
    })),
    raised('an AnalysisException of 25 MB', () => ({
      ename: 'AnalysisException',
      evalue: `[A.B] no ${'== SQL ==\nselect 1\n-------^^^\n'.repeat(800_000)}`,
      traceback: [],
    })),
    html(
      'an HTML table whose cells span a milliard',
      () => `<table>${'<tr><td colspan=1000000000 rowspan=999999999>x</td></tr>'.repeat(30_000)}</table>`,
    ),
    html('a table of 1.9 MB of angles', () => `<table><tr><td>${'<'.repeat(1.9e6)}</table>`),
    html('a table of 1.9 MB of blanks', () => `<table><tr><td>${' \n'.repeat(950_000)}</table>`),
    html(
      'a table of 1.9 MB beside it',
      () => `${'a <b>b</b> '.repeat(90_000)}<table><tr><td>1</table>${'c <i>d</i> '.repeat(90_000)}`,
    ),
    html('500,000 tables that begin', () => '<table>'.repeat(280_000)),
    html('10 MB of scripts', () => '<script>a</script>'.repeat(550_000)),
    html('10 MB of styles that do not end', () => '<style>a</styl'.repeat(700_000)),
    html('290 kB of attributes without an end', () => `<p a="${'b="'.repeat(96_000)}`),
    html('290 kB of formulas', () => '<math><mi>x</mi></math>'.repeat(12_600)),
    svg(
      'an svg of 4.9 MB with colours',
      () =>
        `<svg xmlns="http://www.w3.org/2000/svg">${'\u001b[31m<text>x</text>\u001b[0m'.repeat(200_000)}</svg>`,
    ),
    svg(
      'an svg of entities of entities',
      () =>
        `<!DOCTYPE svg [<!ENTITY a "${'b'.repeat(1e5)}">${Array.from({ length: 9 }, (_, n) => `<!ENTITY a${n} "${'&a;'.repeat(1e4)}">`).join('')}]><svg xmlns="http://www.w3.org/2000/svg">&a0;</svg>`,
    ),
    svg('an svg of 20 MB of text', () => `<svg>${'x" '.repeat(7e6)}</svg>`),
    svg('an svg of 4.9 MB of emojis', () => `<svg>${'\u{1f600}'.repeat(1.2e6)}</svg>`),
    {
      name: 'a Bokeh script of ends of scripts',
      say: shown(() => ({
        'application/javascript': '</script>'.repeat(3.3e6),
        'application/vnd.bokehjs_exec.v0+json': '',
      })),
    },
    {
      name: 'a sound of 30 MB in lines',
      say: shown(() => ({ 'audio/wav': `${'A'.repeat(76)}\n`.repeat(390_000) })),
    },
    { name: 'a film of 30 MB of blanks', say: shown(() => ({ 'video/mp4': ` ${' '.repeat(30e6)}A` })) },
    ...['text/plain', 'text/html', 'image/png', 'image/svg+xml', 'text/latex'].map((mime) => ({
      name: `${mime} of 30 MB of blanks`,
      say: shown(() => ({ [mime]: ' '.repeat(30e6) })),
    })),
    {
      name: '150 texts of 2 MB of blanks',
      say: often(150, (kernel, request) =>
        shown(() => ({ 'text/plain': '\u2003'.repeat(7e5) }))(kernel, request),
      ),
    },
    printed('15 MB of carriage returns', () => '\r'.repeat(15e6)),
    printed('15 MB of line ends of Windows', () => '\r\n'.repeat(7e6)),
    printed('20 MB of erasures', () => 'x\u001b[1K\u001b[2K'.repeat(1.4e6)),
    printed('20 MB of rows up and down', () => '\u001b[64A\u001b[64Bx\n'.repeat(1.2e6)),
    printed('20 MB of erasures of what is below', () => '\n\n\u001b[9A\u001b[J'.repeat(1.2e6)),
    printed('links without an end', () => '\u001b]8;;http://a/\u001b'.repeat(1.1e6)),
    printed('15 MB of escapes', () => '\u001b'.repeat(5e6)),
    printed(
      '20 MB of warnings',
      () => '24/01/01 00:00:00 WARN TaskSetManager: Lost task 0.0 in stage 1.0\n'.repeat(290_000),
      'stderr',
    ),
    printed('30 MB of a letter of three bytes', () => '語'.repeat(10e6)),
    printed('30 MB of halves of pairs', () => '\ud800'.repeat(5e6)),
    printed('a thousand lines of 30 kB, overwritten', () => `${'y'.repeat(30_000)}\r`.repeat(900)),
  ];
}

function lengths(): Monster[] {
  return [
    whole('a reply of 30 MB', (kernel, request) => {
      kernel.begin(request);
      kernel.end(request, {
        user_expressions: { a: 'x'.repeat(20e6) },
        payload: [{ source: 'y'.repeat(10e6) }],
      });
    }),
    whole('a reply of 100,000 payloads', (kernel, request) => {
      kernel.begin(request);
      kernel.end(request, {
        payload: Array.from({ length: 1e5 }, () => ({ source: 'set_next_input', text: 'x' })),
      });
    }),
    whole('a pager of 25 MB', (kernel, request) => {
      kernel.begin(request);
      kernel.end(request, {
        payload: [{ source: 'page', data: { 'text/plain': 'a\u001b[1mb\n'.repeat(2e6) } }],
      });
    }),
    whole('a next input of 25 MB', (kernel, request) => {
      kernel.begin(request);
      kernel.end(request, { payload: [{ source: 'set_next_input', text: 'x = 1\n'.repeat(4e6) }] });
    }),
  ];
}

const raw = (kernel: ScriptedKernel, message: object): void => kernel.sendRaw(JSON.stringify(message));
const headed = (kernel: ScriptedKernel, type: string): object => ({
  msg_id: kernel.nextId(),
  msg_type: type,
  session: kernel.session,
});

/** Kernels that do not begin and end as the protocol says; their runs end well all the same. */
function orders(): Monster[] {
  return [
    whole('a reply before busy', (kernel, request) => {
      kernel.reply(request);
      kernel.begin(request);
      kernel.stream(request, 'x\n');
      kernel.status('idle', request);
    }),
    whole('idle before the reply', (kernel, request) => {
      kernel.begin(request);
      kernel.stream(request, 'x\n');
      kernel.status('idle', request);
      kernel.reply(request);
    }),
    whole('idle twice, and twice replied', (kernel, request) => {
      kernel.begin(request);
      kernel.end(request);
      kernel.end(request);
    }),
    whole('no busy and no input', (kernel, request) => {
      kernel.stream(request, 'x\n');
      kernel.end(request);
    }),
    whole('an idle of long ago', (kernel, request) => {
      kernel.status('idle', request);
      kernel.status('busy', request);
      kernel.stream(request, 'x\n');
      kernel.end(request);
    }),
    whole('20,000 outputs after the end', (kernel, request) => {
      kernel.run(request, 'x\n');
      for (let n = 0; n < 20_000; n += 1) kernel.stream(request, `late ${n}\n`);
    }),
    whole('messages of another session with its parent', (kernel, request) => {
      kernel.begin(request);
      for (let n = 0; n < 1_000; n += 1)
        kernel.send(
          'stream',
          { name: 'stdout', text: 'x\n' },
          { parent: request, session: `s${n}`, msgId: `s${n}_1_1` },
        );
      kernel.end(request);
    }),
    whole('10,000 messages with one id', (kernel, request) => {
      kernel.begin(request);
      for (let n = 0; n < 10_000; n += 1)
        kernel.send('stream', { name: 'stdout', text: `${n}\n` }, { parent: request, msgId: 'the same' });
      kernel.end(request);
    }),
    whole('headers and parents that are none', (kernel, request) => {
      kernel.begin(request);
      const content = { name: 'stdout', text: 'x\n' };
      for (const parent of [
        'x'.repeat(1e6),
        [request.header],
        null,
        7,
        { msg_id: {} },
        { msg_id: 'y'.repeat(1e6) },
      ]) {
        raw(kernel, { channel: 'iopub', header: headed(kernel, 'stream'), parent_header: parent, content });
        raw(kernel, { channel: 'iopub', header: parent, parent_header: request.header, content });
        raw(kernel, {
          channel: parent,
          header: headed(kernel, 'stream'),
          parent_header: request.header,
          content: parent,
        });
      }
      kernel.end(request);
    }),
    whole('statuses, counts and replies of other kinds', (kernel, request) => {
      kernel.begin(request);
      for (const odd of [null, [], {}, 1e300, -1, 'x'.repeat(1e6), true]) {
        for (const type of [
          'status',
          'execute_input',
          'clear_output',
          'input_request',
          'comm_open',
          'comm_close',
          'error',
        ])
          kernel.send(
            type,
            {
              execution_state: odd,
              execution_count: odd,
              wait: odd,
              prompt: odd,
              comm_id: odd,
              ename: odd,
              traceback: odd,
            },
            { parent: request },
          );
      }
      kernel.end(request);
    }),
  ];
}

/** Big-endian count, offsets, parts. */
const frame = (json: Buffer, count: number, ...offsets: number[]): Buffer => {
  const head = Buffer.alloc(4 * (offsets.length + 1));
  head.writeUInt32BE(count);
  for (const [at, offset] of offsets.entries()) head.writeUInt32BE(offset, 4 * (at + 1));
  return Buffer.concat([head, json]);
};
const stream = (kernel: ScriptedKernel, request: ScriptMessage, text: string): Buffer =>
  Buffer.from(
    JSON.stringify({
      channel: 'iopub',
      header: { msg_id: kernel.nextId(), msg_type: 'stream', session: kernel.session },
      parent_header: request.header,
      content: { name: 'stdout', text },
    }),
  );

function binaries(): Monster[] {
  return [
    {
      name: 'binary frames of which the offsets are wrong',
      say: (kernel, request) => {
        const json = stream(kernel, request, 'x\n');
        for (const offsets of [
          [],
          [0],
          [4],
          [8],
          [9],
          [2 ** 32 - 1],
          [8, 7],
          [12, 4],
          [12, 2 ** 32 - 1],
          [12, 12],
        ])
          for (const count of [0, 1, 2, offsets.length, 2 ** 32 - 1])
            kernel.sendRaw(frame(json, count, ...offsets));
      },
    },
    {
      name: '20 binary frames with buffers of 30 MB',
      say: async (kernel, request) => {
        for (let n = 0; n < 20; n += 1) {
          const json = stream(kernel, request, `${n}\n`);
          kernel.sendRaw(Buffer.concat([frame(json, 2, 12, 12 + json.length), Buffer.alloc(30e6)]));
          await untilTaken(kernel);
        }
      },
    },
    {
      name: 'a binary frame of 7 million offsets',
      say: (kernel, request) => {
        const head = Buffer.alloc(28e6 + 4, 0xff);
        head.writeUInt32BE(7e6);
        head.writeUInt32BE(head.length, 4);
        kernel.sendRaw(Buffer.concat([head, stream(kernel, request, 'x\n')]));
      },
    },
    {
      name: 'a binary frame of bytes that are no UTF-8',
      say: (kernel, request) => {
        const json = stream(kernel, request, 'x'.repeat(20e6)).fill(0xc3, 400, 19e6);
        kernel.sendRaw(frame(json, 1, 8));
      },
    },
    {
      name: '100,000 frames of no bytes',
      say: often(1e5, (kernel, _, n) => kernel.sendRaw(n % 2 === 0 ? Buffer.alloc(0) : '')),
    },
  ];
}
