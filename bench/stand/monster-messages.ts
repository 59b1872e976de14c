import type { ScriptedKernel, ScriptMessage } from '../../test/support/scripted-gateway.ts';
import type { Monster } from './monster.ts';
import { untilTaken } from './until-taken.ts';

/** Levels of arrays around what is wide. */
const LEVELS = [40, 90, 200, 500, 850, 3_000];

const PICTURE =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

/** Hostile forms of messages: nested and wide, with fields missing, very many, with very long names. */
export function createMessageMonsters(): Monster[] {
  return [...nestedAndWide(), ...strangeMessages(), ...floods(), ...longNames(), ...texts()];
}

function within(levels: number, innermost: string): string {
  return `${'['.repeat(levels)}${innermost}${']'.repeat(levels)}`;
}

/** The scripted gateway's own serialiser cannot write such a depth, so the JSON is inserted afterwards. */
function sendJson(
  kernel: ScriptedKernel,
  request: ScriptMessage,
  type: string,
  content: object,
  nested: string,
): void {
  const header = { msg_id: kernel.nextId(), msg_type: type, session: kernel.session, username: 'k' };
  const frame = { channel: 'iopub', header, parent_header: request.header, metadata: {}, content };
  kernel.sendRaw(JSON.stringify(frame).replace('"JSON"', () => nested));
}

const raw = (frames: (request: ScriptMessage) => (string | Buffer)[]): Monster['say'] => {
  return (kernel, request) => {
    for (const frame of frames(request)) kernel.sendRaw(frame);
  };
};

const flood = (type: string, times: number, make: (n: number) => object): Monster['say'] => {
  return async (kernel, request) => {
    for (let n = 0; n < times; n += 1) {
      kernel.send(type, make(n), { parent: request });
      if (n % 50 === 0) await untilTaken(kernel);
    }
  };
};

const displayed = (text: string, id: string) => ({
  data: { 'text/plain': text },
  metadata: {},
  transient: { display_id: id },
});

const shown = (name: string, mime: string, make: () => string): Monster => ({
  name,
  say: (kernel, request) =>
    void kernel.send('display_data', { data: { [mime]: make() }, metadata: {} }, { parent: request }),
});

const printed = (name: string, make: () => string): Monster => ({
  name,
  say: (kernel, request) => kernel.stream(request, make()),
});

const raised = (name: string, value: string, traceback: string[]): Monster => {
  const content = { ename: 'ValueError', evalue: value, traceback };
  return {
    name,
    say: (kernel, request) => void kernel.send('error', content, { parent: request }),
    reply: { status: 'error', ...content },
  };
};

const json = (value: object): string => JSON.stringify(value);

function nestedAndWide(): Monster[] {
  const values: readonly [string, () => string][] = [
    ['30,000 numbers', () => Array(30_000).fill(1).join()],
    ['20,000 texts', () => Array(20_000).fill('"text"').join()],
    ['20,000 keys', () => `{${Array.from({ length: 20_000 }, (_, n) => `"k${n}":${n}`).join()}}`],
    ['300,000 numbers', () => Array(300_000).fill(1.5).join()],
    ['30,000 empty lists', () => Array(30_000).fill('[]').join()],
  ];
  const places: readonly [string, object][] = [
    ['display_data', { data: { 'application/json': 'JSON' }, metadata: {} }],
    ['execute_result', { data: { 'application/vnd.vega.v5+json': { values: 'JSON' } }, metadata: {} }],
    ['display_data', { data: { 'text/plain': 'x' }, metadata: 'JSON' }],
    ['error', { ename: 'E', evalue: 'v', traceback: 'JSON' }],
    ['comm_open', { comm_id: 'c', target_name: 'jupyter.widget', data: { state: { children: 'JSON' } } }],
  ];
  // Each of them in another place at each depth.
  return LEVELS.flatMap((levels, depth) =>
    values.flatMap(([what, make], which) => {
      const [type, content] = places[(depth + which) % places.length] ?? [];
      if (type === undefined || content === undefined) return [];
      const nested = within(levels, make());
      return {
        name: `${what}, ${levels} deep, in ${type}`,
        say: (kernel: ScriptedKernel, request: ScriptMessage) =>
          sendJson(kernel, request, type, content, nested),
      };
    }),
  );
}

function strangeMessages(): Monster[] {
  return [
    {
      name: 'messages without their fields',
      say: raw(({ header }) => [
        'null',
        '[]',
        '1e999',
        '',
        '{',
        '{"header":null}',
        '{"header":{"msg_type":7}}',
        '{"header":{"msg_type":"stream"},"parent_header":"x","content":[]}',
        json({ header: { msg_type: 'stream' }, parent_header: header }),
        json({ header: { msg_type: 'stream' }, parent_header: header, content: { text: null } }),
        json({ header: { msg_type: 'error' }, parent_header: header, content: { traceback: { 0: 'x' } } }),
        json({ header: { msg_type: 'display_data' }, parent_header: header, content: { data: ['x'] } }),
        json({ header: { msg_type: 'status' }, parent_header: header, content: { execution_state: {} } }),
        json({
          header: { msg_type: 'execute_input' },
          parent_header: header,
          content: { execution_count: '7' },
        }),
        json({ header: { msg_type: 'clear_output' }, parent_header: header, content: { wait: 'yes' } }),
        json({ header: { msg_type: 'comm_open' }, parent_header: header, content: { comm_id: {} } }),
        json({ header: { msg_type: '__proto__' }, parent_header: header, content: { constructor: 1 } }),
        `{"header":{"msg_type":"display_data"},"parent_header":${json(header)},"content":{"data":{"__proto__":{"a":1},"constructor":"x","application/json":{"__proto__":[1],"toJSON":1}}}}`,
        `{"header":{"msg_type":"display_data"},"parent_header":${json(header)},"content":{"data":{"application/json":NaN}}}`,
        `{"header":{"msg_type":"display_data"},"parent_header":${json(header)},"content":{"data":{"application/json":[1e999,-1e999,-0,1e-999]}}}`,
      ]),
    },
    {
      name: 'binary frames that point anywhere',
      say: raw(() => [
        Buffer.alloc(0),
        Buffer.alloc(8),
        Buffer.alloc(8, 0xff),
        Buffer.from('00000001000000080000', 'hex'),
        Buffer.concat([Buffer.from('0fffffff', 'hex'), Buffer.alloc(1e6)]),
      ]),
    },
    {
      name: '20,000 replies',
      say: async (kernel, request) => {
        for (let n = 0; n < 20_000; n += 1) {
          const content = {
            status: n % 2 === 0 ? 'ok' : 'weird',
            execution_count: n,
            ename: 'E',
            evalue: `${n}`,
          };
          kernel.send('execute_reply', content, { parent: request, channel: 'shell' });
          if (n % 100 === 0) await untilTaken(kernel);
        }
      },
    },
  ];
}

function floods(): Monster[] {
  return [
    {
      name: '200 updates of 1 MB of one display',
      say: async (kernel, request) => {
        kernel.send('display_data', displayed('x', 'd'), { parent: request });
        await flood('update_display_data', 200, (n) => displayed(`${n} `.repeat(250_000), 'd'))(
          kernel,
          request,
        );
      },
    },
    {
      name: '100,000 updates of unknown displays',
      say: flood('update_display_data', 100_000, (n) => displayed('x', `no ${n}`)),
    },
    {
      name: '300 clears beside 200 kB of text',
      outcome: 'tooMuchOutput',
      say: async (kernel, request) => {
        for (let n = 0; n < 300; n += 1) {
          kernel.stream(request, `${n} line\n`.repeat(20_000), n % 3 === 0 ? 'stderr' : 'stdout');
          kernel.send('clear_output', { wait: n % 2 === 0 }, { parent: request });
          await untilTaken(kernel);
        }
      },
    },
    {
      name: '2,000 errors of 20 kB',
      outcome: 'tooMuchOutput',
      say: flood('error', 2_000, (n) => ({
        ename: 'E',
        evalue: `${n} `.repeat(5_000),
        traceback: ['  File "x", line 1\n'.repeat(500)],
      })),
    },
    {
      name: '200,000 comms',
      say: flood('comm_open', 200_000, (n) => ({ comm_id: `${n}`, target_name: 'mine', data: {} })),
    },
    {
      name: '100,000 widgets that open and close',
      say: flood('comm_msg', 100_000, (n) => ({
        comm_id: `${n % 3_000}`,
        data: { state: { value: n, _model_name: 'IntProgressModel' } },
      })),
    },
    {
      name: '100 pictures of 300 kB',
      say: flood('display_data', 100, (n) => ({
        data: { 'image/png': PICTURE + 'A'.repeat(300_000), 'text/plain': `${n}` },
        metadata: {},
      })),
    },
    {
      name: '20 inputs of 5 MB that are told again',
      say: flood('execute_input', 20, (n) => ({ code: 'x = 1\n'.repeat(800_000), execution_count: n })),
    },
    {
      name: '100,000 streams of nothing',
      say: flood('stream', 100_000, () => ({ name: 'stdout', text: '' })),
    },
    {
      name: '100,000 words of the observer',
      say: flood('comm_msg', 100_000, (n) => ({
        comm_id: 'sparkthread.spark',
        data: { jobs: [n, n / 2], tasks: [9, 1, 1], lasts: true, job: n },
      })),
    },
  ];
}

function longNames(): Monster[] {
  return [
    {
      name: '100 message ids of 5 MB',
      say: async (kernel, request) => {
        for (let n = 0; n < 100; n += 1) {
          const msgId = `${'_1'.repeat(2_500_000)}_${n}`;
          kernel.send('stream', { name: 'stdout', text: 'x\n' }, { parent: request, msgId });
          await untilTaken(kernel);
        }
      },
    },
    {
      name: '100 widgets with ids of 5 MB',
      say: async (kernel, request) => {
        for (let n = 0; n < 100; n += 1) {
          const data = { state: { _model_name: 'LabelModel', value: 'x' } };
          const content = { comm_id: `${n}`.padEnd(5e6), target_name: 'jupyter.widget', data };
          kernel.send('comm_open', content, { parent: request });
          await untilTaken(kernel);
        }
      },
    },
    {
      name: 'a prompt of a message with a header of 20 MB',
      say: (kernel, request) => {
        const header = {
          msg_id: 'p',
          msg_type: 'input_request',
          session: kernel.session,
          username: 'u'.repeat(20e6),
        };
        const content = { prompt: 'more? ', password: false };
        kernel.sendRaw(
          JSON.stringify({ channel: 'stdin', header, parent_header: request.header, metadata: {}, content }),
        );
      },
    },
    {
      name: 'a type, a session and a stream of long names',
      say: (kernel, request) => {
        kernel.send('x'.repeat(10e6), {}, { parent: request });
        kernel.send(
          'stream',
          { name: 'y'.repeat(10e6), text: 'z' },
          { parent: request, session: 's'.repeat(10e6) },
        );
        kernel.send(
          'execute_reply',
          { status: 'e'.repeat(10e6), execution_count: 1e300 },
          { parent: request, channel: 'shell' },
        );
      },
    },
  ];
}

function texts(): Monster[] {
  const frame =
    '\u001b[0;31mValueError\u001b[0m  Traceback\n\u001b[0;32m<ipython-input-1-a>\u001b[0m in \u001b[0;36mf\u001b[0;34m(x)\u001b[0m\n---> 1 f(x)\n';
  return [
    shown('LaTeX of 30 MB', 'text/latex', () => '$\\frac{a}{b}$ '.repeat(1.9e6)),
    shown('a PDF of 30 MB in lines', 'application/pdf', () => `${'A'.repeat(76)}\n`.repeat(390_000)),
    shown(
      'a picture of 30 MB in lines',
      'image/png',
      () => `${PICTURE}\n${`${'A'.repeat(76)}\n`.repeat(380_000)}`,
    ),
    shown('HTML nested 50,000 deep', 'text/html', () => '<div>'.repeat(50_000)),
    shown('tables in tables', 'text/html', () => '<table><tr><td>1'.repeat(15_000)),
    shown('a comment without an end', 'text/html', () => `<!--${'<!-- '.repeat(50_000)}`),
    shown('entities', 'text/html', () => `<table><tr><td>${'&amp&#x1f600;&lt'.repeat(18_000)}</table>`),
    shown(
      'media in an address',
      'text/html',
      () => `<audio src="data:audio/wav;base64,${'A'.repeat(29e6)}"></audio>`,
    ),
    shown('a list of 2 MB', 'text/html', () => '<ul><li>a<li>b'.repeat(20_000)),
    raised('100,000 frames', 'x', Array<string>(100_000).fill(frame)),
    raised('a traceback of 100,000 frames in one text', 'x', [frame.repeat(100_000)]),
    raised('combining characters', `a${'\u0301'.repeat(5e6)}`, [`e\u0301${'\u0323'.repeat(5e6)}`]),
    raised('families', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467} '.repeat(500_000), []),
    raised('from right to left', '\u202e\u2066x\u2069'.repeat(1e6), ['\u202e'.repeat(5e6)]),
    raised('mentions', '<!channel> <@U123> ```*_~`'.repeat(300_000), ['<!here>|<#C1>\n'.repeat(300_000)]),
    printed('a bar of 1 MB that is drawn 30 times', () => `\r${'#'.repeat(1e6)}`.repeat(30)),
    printed('a sequence without an end of 30 MB', () => `\u001b[${'1;'.repeat(15e6)}`),
    printed('a title without an end of 30 MB', () => `\u001b]0;${'t'.repeat(30e6)}`),
    printed('a cursor that goes far', () =>
      '\u001b[999999999C\u001b[999999999A\u001b[999999999Bx'.repeat(300_000),
    ),
    printed('15 MB of steps back', () => `x${'\b'.repeat(15e6)}`),
    printed('1,600,000 halves of pairs', () => '\ud83d\ude00\udc00'.repeat(1.6e6)),
    printed('6 MB of control characters', () =>
      '\u0000\u0007\u000b\u000c\u007f\u0085\u2028\ufeff'.repeat(750_000),
    ),
    printed('200,000 tabs and columns', () => 'a\tb\t\tc\n'.repeat(200_000)),
    printed('2 MB of markdown', () => '```\n* <!channel> [x](y) <http://z|w>\n'.repeat(50_000)),
  ];
}
