import { describe, expect, test } from 'vitest';
import { DRIVER_HEADLINE } from '../../../../src/output/errors/hints.ts';
import { wholeText, type OutputPart, type OutputView } from '../../../../src/output/output-view.ts';
import type { OutcomeKind, RunOutcome } from '../../../../src/runs/outcome.ts';
import type { RunPhase, RunView } from '../../../../src/runs/run-view.ts';
import { readButton, renderButtons } from '../../../../src/slack/blocks/run/run-buttons.ts';
import { renderRunMessage } from '../../../../src/slack/blocks/run/run-message.ts';
import { renderRoot } from '../../../../src/slack/blocks/who-ran.ts';

const nowMs = Date.UTC(2026, 10, 22, 14, 2, 31);

function output(parts: readonly OutputPart[], more: Partial<OutputView> = {}): OutputView {
  return {
    parts,
    textBytes: 0,
    spoolPath: '/spool/output.txt',
    limited: false,
    losses: [],
    ...more,
  };
}

function view(phase: RunPhase, more: Partial<RunView> = {}): RunView {
  return {
    runId: 'run-1',
    requester: 'U1',
    kernelspec: 'python3-spark',
    phase,
    output: undefined,
    notes: [],
    edition: 1,
    actions: [],
    ...more,
  };
}

function ended(kind: OutcomeKind, more: Partial<RunOutcome> = {}): RunPhase {
  return {
    kind: 'ended',
    outcome: {
      kind,
      durationMs: 1234,
      executionCount: 7,
      kernelspec: 'python3-spark',
      variablesLost: false,
      possibleGap: false,
      ...more,
    },
  };
}

const stdout = (text: string): OutputPart => ({
  kind: 'text',
  source: 'stdout',
  text: wholeText(text),
  path: undefined,
});

const image = (path: string): OutputPart => ({ kind: 'image', mime: 'image/png', path, alt: '' });

/** The words of a message's blocks, a line each. */
function words(rendered: RunView): string[] {
  const lines: string[] = [];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        if (key === 'text' && typeof inner === 'string') lines.push(inner);
        else walk(inner);
      }
    }
  };
  walk(renderRunMessage(rendered, nowMs).message.blocks);
  return lines;
}

test('a run of a few milliseconds took some time', () => {
  expect(words(view(ended('ok', { durationMs: 3 })))).toContain('Done · 0.01 s · In [7] · python3-spark');
});

test('a small result is one short message', () => {
  const rendered = view(ended('ok'), {
    output: output([{ kind: 'text', source: 'result', text: wholeText('10'), path: undefined }]),
  });
  expect(words(rendered)).toEqual(['10', 'Done · 1.2 s · In [7] · python3-spark']);
  expect(renderRunMessage(rendered, nowMs).files).toEqual([]);
  expect(renderRunMessage(rendered, nowMs).message.text).toBe('10\nDone · 1.2 s · In [7] · python3-spark');
});

test('no output, and output of blanks only, are mentioned', () => {
  expect(words(view(ended('ok')))).toEqual(['No output', 'Done · 1.2 s · In [7] · python3-spark']);
  const blanks = output([{ kind: 'text', source: 'stdout', text: wholeText('  \n\n'), path: undefined }]);
  expect(words(view(ended('ok'), { output: blanks }))[0]).toBe('Nothing but blanks was printed.');
  // Blank as far as it is in memory.
  const text = { head: '\n', tail: '\n', hiddenLines: 9, hiddenChars: 10_000 };
  const long = output([{ kind: 'text', source: 'stdout', text, path: undefined }]);
  expect(words(view(ended('ok'), { output: long }))[0]).toMatch(/^… \d+ lines hidden, all in output\.txt …$/);
});

const outcomes: Record<OutcomeKind, RegExp> = {
  ok: /^Done · 1.2 s/,
  raised: /^Error · 1.2 s/,
  interrupted: /^Stopped · 1.2 s/,
  timedOut: /^Stopped by the time limit · /,
  tooMuchOutput: /^Stopped: too much output · /,
  inputTimedOut: /^Stopped: no input came · /,
  cancelled: /^Cancelled · In/,
  exited: /^Exited · /,
  kernelDied: /^Kernel died · /,
  kernelRestarted: /^Kernel restarted · /,
  kernelGone: /^Kernel gone · /,
  notStarted: /^Not started · In/,
  gatewayAway: /^Gateway away · /,
  outputLost: /^End not seen · /,
  unknown: /^Not known · In/,
  broken: /^Something broke · /,
};

test.each(Object.entries(outcomes))('%s has its words', (kind, line) => {
  const outcome = Object.keys(outcomes).find((each): each is OutcomeKind => each === kind);
  if (outcome === undefined) throw new Error(kind);
  expect(words(view(ended(outcome))).at(-1)).toMatch(line);
});

test('a run of which it is not known whether it ran says exactly that', () => {
  expect(words(view(ended('unknown'))).join('\n')).toContain('It is not known whether this ran');
});

test('losses are mentioned: variables, output, and the reason', () => {
  const said = words(
    view(
      ended('kernelDied', {
        variablesLost: true,
        possibleGap: true,
        detail: 'Killed by the cluster (memory).',
      }),
    ),
  );
  expect(said.join('\n')).toMatch(
    /Killed by the cluster \(memory\)\.[^]*Variables are gone\.[^]*Output may be missing\./,
  );
});

test.each([
  ['kernelGone', 'it was deleted or culled', 'The kernel is gone: it was deleted or culled. The next'],
  ['kernelGone', undefined, 'The kernel is gone. The next'],
  [
    'notStarted',
    'The kernel gave no answer within 20 s',
    'The kernel gave no answer within 20 s. The code did',
  ],
  ['notStarted', 'Quota exceeded!', 'Quota exceeded! The code did'],
] as const)('%s because %s: whole sentences', (kind, detail, said) => {
  const outcome = ended(kind, detail === undefined ? {} : { detail });
  expect(words(view(outcome))[0]).toMatch(new RegExp(`^${said} `));
});

test('the message says who stopped it if it was not the requester', () => {
  const mentions = (stoppedBy: string) =>
    JSON.stringify(renderRunMessage(view(ended('interrupted', { stoppedBy })), nowMs).message.blocks);
  expect(mentions('U2')).toContain('{"type":"user","user_id":"U2"}');
  expect(mentions(view(ended('ok')).requester)).not.toContain('user_id');
});

test('each loss of output is named', () => {
  const said = words(
    view(ended('ok'), {
      output: output([stdout('x')], {
        losses: [
          { kind: 'dropped', limit: 'data' },
          { kind: 'dropped', limit: 'messages' },
          { kind: 'tooBig', messages: 1 },
          { kind: 'gap', fromMs: Date.UTC(2026, 10, 22, 14, 2, 10), toMs: nowMs },
          { kind: 'gap', fromMs: nowMs + 60_100, toMs: nowMs + 60_200 },
          { kind: 'diskFull' },
          { kind: 'tooMany', parts: 12, streams: false, path: undefined },
        ],
      }),
    }),
  ).join('\n');
  expect(said).toMatch(/iopub_data_rate_limit/);
  expect(said).toMatch(/iopub_msg_rate_limit/);
  expect(said).toMatch(/One message over the bot’s limit for one message/);
  expect(said).toMatch(/between 14:02:10 and 14:02:31/);
  expect(said).toMatch(/missing at 14:03:31 UTC/);
  expect(said).toMatch(/disk is full/);
  expect(said).toMatch(/12 of the outputs are not shown/);
});

test('the text of outputs that are too many is attached, and that is said once it is', () => {
  const losses = [{ kind: 'tooMany', parts: 1_200, streams: true, path: '/spool/results.txt' }] as const;
  const parts = output([stdout('x')], { losses });
  const said = words(view(ended('ok'), { output: parts })).join('\n');
  expect(said).toContain('1,200 of the outputs are not shown');
  expect(said).toContain('Their text is in output.txt and results.txt.');
  const { files } = renderRunMessage(view(ended('ok'), { output: parts }), nowMs);
  expect(files.map((file) => (file.kind === 'file' ? file.filename : ''))).toEqual([
    'output.txt',
    'results.txt',
  ]);
  const running: RunPhase = { kind: 'running', sinceMs: nowMs, stopping: false, stopIgnored: false };
  expect(words(view(running, { output: parts })).join('\n')).not.toContain('.txt');
});

test('a file that is not in the thread is not named as the place of what is hidden', () => {
  const losses = [{ kind: 'tooMany', parts: 9, streams: true, path: '/spool/results.txt' }] as const;
  const page: OutputPart = { kind: 'attachment', filename: 'a.html', path: '/a', mime: 'text/html' };
  const parts = [stdout('line\n'.repeat(3_000)), image('/1.png'), image('/2.png'), page];
  const shown = (names: string[], more: Partial<OutputView> = {}): string => {
    const unattached = names.map((name) => ({ name, reason: 'refused' }));
    const said = words(view(ended('ok'), { output: output(parts, { losses, ...more }), unattached }));
    return said.filter((line) => !line.includes('could not be attached')).join('\n');
  };
  expect(shown([])).toMatch(/lines hidden, all in output.txt …[^]*\n2 images below\nFile below: a.html\n/);
  expect(shown([])).toContain('Their text is in output.txt and results.txt.');
  expect(shown(['output.txt'])).toMatch(/lines hidden …[^]*Their text is in results.txt\./);
  expect(shown([], { spoolPath: undefined })).not.toContain('output.txt');
  expect(shown(['image-1.png'])).toContain('\nImage below\n');
  const all = ['output.txt', 'results.txt', 'image-1.png', 'image-2.png', 'a.html'];
  expect(shown(all)).not.toMatch(/\.txt|\.html|below/);
  const table = { columns: ['a'], rows: [['1']], totalRows: 1, totalColumns: undefined, note: undefined };
  parts.push({ kind: 'table', ...table, sentRows: 1, csvPath: undefined, text: wholeText('') });
  expect(shown([])).toContain('\nTable below: 1 row × 1 column\n');
  expect(shown(['A table'])).toContain('\nTable: 1 row × 1 column\n');
});

test('Spark’s log is said to be in its file only where the file is', () => {
  const line = '26/11/30 12:00:00 WARN TaskSetManager: Lost task\n';
  const log: OutputPart = {
    kind: 'text',
    source: 'stderr',
    text: wholeText(line.repeat(9)),
    path: undefined,
  };
  const error: OutputPart = {
    kind: 'error',
    headline: 'ValueError: no',
    userLine: undefined,
    cause: undefined,
    traceback: wholeText(''),
    isFolded: false,
    path: undefined,
    hint: undefined,
  };
  const failed = view(ended('raised'), { output: output([log, error]) });
  expect(words(failed)).toContain('Spark’s log is in output.txt');
  const unattached = [{ name: 'output.txt', reason: 'refused' }];
  expect(words({ ...failed, unattached })).toContain('Spark’s log is hidden');
});

test('the message says once that the output reached its limit, also if the run ended before it could be stopped', () => {
  const shown = output([stdout('x')], { limited: true });
  for (const kind of ['ok', 'raised', 'tooMuchOutput'] as const) {
    const said = words(view(ended(kind), { output: shown })).join('\n');
    expect(said.match(/The output reached the limit of one run/g)).toHaveLength(1);
  }
  expect(words(view(ended('ok'), { output: output([stdout('x')]) })).join('\n')).not.toContain(
    'limit of one run',
  );
});

test('results in a row that do not fit are cut as one text', () => {
  const path = '/spool/results.txt';
  const result = (n: number): OutputPart => ({
    kind: 'text',
    source: 'result',
    text: wholeText(`result ${n}\n${'words\n'.repeat(30)}`),
    path,
  });
  const shown = output([...Array.from({ length: 40 }, (_, n) => result(n)), stdout('end')]);
  const drawn = words(view(ended('ok'), { output: shown }));
  expect(drawn).toHaveLength(5);
  expect(drawn[0]).toMatch(/^result 0\nwords/);
  expect(drawn[1]).toMatch(/^… [\d,]+ lines hidden, all in results.txt …$/);
  expect(drawn.slice(3)).toEqual(['end', expect.stringContaining('Done')]);
  const { files } = renderRunMessage(view(ended('ok'), { output: shown }), nowMs);
  expect(files.map((file) => file.kind === 'file' && file.filename)).toEqual(['results.txt']);
});

test('files in a row are named together, very many of them are counted', () => {
  const files = (count: number) =>
    Array.from({ length: count }, (_, n): OutputPart => ({
      kind: 'attachment',
      filename: `${n}.json`,
      path: `/spool/${n}.json`,
      mime: 'application/json',
    }));
  const drawn = (count: number) => words(view(ended('ok'), { output: output(files(count)) }))[0];
  expect(drawn(1)).toBe('File below: 0.json');
  expect(drawn(2)).toBe('Files below: 0.json, 1.json');
  expect(drawn(30)).toBe('30 files below');
});

test('if there are too many pictures and files, the message says where they are', () => {
  const archive = '/spool/more-31.zip';
  const losses = [{ kind: 'tooMany', parts: 31, streams: false, path: undefined, archive }] as const;
  const shown = output([stdout('x')], { losses });
  expect(words(view(ended('ok'), { output: shown })).join('\n')).toContain(
    '31 of the outputs are not shown: there were too many. Their pictures and files are in more-outputs.zip.',
  );
  const { files } = renderRunMessage(view(ended('ok'), { output: shown }), nowMs);
  expect(files.map((file) => file.kind === 'file' && file.filename)).toEqual(['more-outputs.zip']);
});

test('the question whether to switch names the channel', () => {
  const asked = {
    kind: 'switchAsked',
    channel: 'C1',
    from: 'python2',
    to: 'scala',
    maySwitch: true,
  } as const;
  const { message } = renderRunMessage(view(asked), nowMs);
  expect(message.blocks[0]).toEqual({
    type: 'rich_text',
    elements: [
      {
        type: 'rich_text_section',
        elements: [
          { type: 'channel', channel_id: 'C1' },
          { type: 'text', text: ' runs python2; switch to scala? its variables will be lost' },
        ],
      },
    ],
  });
});

test.each<[RunPhase, RegExp]>([
  [{ kind: 'waiting', ahead: 0 }, /^Waiting for the kernel$/],
  [{ kind: 'waiting', ahead: 3 }, /^Waiting, 3 before yours$/],
  [{ kind: 'startingKernel', sinceMs: nowMs - 12_000, turnsBefore: 0 }, /^Starting a kernel, 12 s$/],
  [{ kind: 'startingServer', sinceMs: nowMs - 12_000 }, /^Starting the server, 12 s$/],
  [{ kind: 'startingKernel', sinceMs: nowMs - 12_000, turnsBefore: 3 }, /3 before yours, 12 s$/],
  [
    { kind: 'switchAsked', channel: 'D1', from: 'python2', to: 'scala', maySwitch: true },
    /^This channel runs python2; switch to scala\? its variables will be lost$/,
  ],
  [{ kind: 'running', sinceMs: nowMs - 900, stopping: false, stopIgnored: false }, /^Running$/],
  [
    { kind: 'running', sinceMs: nowMs - 5000, stopping: false, stopIgnored: false, behindOthers: true },
    /^Sent; the kernel works on code of another client first, 5 s$/,
  ],
  [
    { kind: 'running', sinceMs: nowMs - 125_000, stopping: false, stopIgnored: false },
    /^Running, 2 min 5 s$/,
  ],
  [
    { kind: 'running', sinceMs: nowMs - 125_000, stopping: false, stopIgnored: false, quietMs: 60_000 },
    /no output for 1 min$/,
  ],
  [{ kind: 'running', sinceMs: nowMs - 5000, stopping: true, stopIgnored: false }, /^Stopping, 5 s$/],
  [
    { kind: 'running', sinceMs: nowMs - 12_000, stopping: true, stopIgnored: true, ignoredAtMs: 1 },
    /^The stop had no effect yet, 12 s\. Stop tries it again\. A restart may be needed to end it; variables would be lost\.$/,
  ],
  [
    { kind: 'running', sinceMs: nowMs - 15_000, stopping: true, stopIgnored: false, ignoredAtMs: 1 },
    /^The stop is tried again, 15 s\. A restart may be needed to end it; variables would be lost\.$/,
  ],
  [
    { kind: 'running', sinceMs: nowMs - 5000, stopping: false, stopIgnored: false, inputMayBeLost: true },
    /^Running, 5 s\..* a question that this code asked may be lost\. If it waits for input, stop it\.$/,
  ],
])('%j is told', (phase, line) => {
  expect(words(view(phase))[0]).toMatch(line);
});

test.each([
  [
    'Your \u001b[1mname\u001b[0m? ',
    false,
    /^Your name\?.*U1.*reply with one line in this thread, or press Answer, until/s,
  ],
  ['', true, /^[^?]*U1.*press Answer and type it there, not in the thread, until/s],
])('the prompt %j is addressed to the requester, with the deadline', (prompt, password, said) => {
  const phase = { kind: 'inputAsked', sinceMs: nowMs, untilMs: nowMs + 600_000, prompt, password } as const;
  const { message } = renderRunMessage(view(phase), nowMs);
  const [body] = message.blocks;
  const elements = body?.type === 'rich_text' ? body.elements : [];
  const texts = elements.flatMap((each) =>
    'elements' in each ? each.elements.map((one) => ('text' in one ? one.text : JSON.stringify(one))) : [],
  );
  expect(texts.join('')).toMatch(said);
  expect(JSON.stringify(body)).toContain(`"timestamp":${Math.floor(nowMs / 1000) + 600}`);
});

test('the newest lines are shown while it runs', () => {
  const text = Array.from({ length: 500 }, (_, n) => `line ${n}`).join('\n');
  const said = words(
    view(
      { kind: 'running', sinceMs: nowMs, stopping: false, stopIgnored: false },
      { output: output([stdout(text)]) },
    ),
  );
  expect(said.join('\n')).toContain('line 499');
  expect(said.join('\n').length).toBeLessThan(3500);
});

/** Room of the final answer: 10,000, a line costs 40. */
test.each([
  [9_999, true],
  [10_000, true],
  [10_001, false],
])('a line of %i characters is whole: %s', (length, isWhole) => {
  const line = 'x'.repeat(length);
  const { message, files } = renderRunMessage(view(ended('ok'), { output: output([stdout(line)]) }), nowMs);
  expect(JSON.stringify(message.blocks).includes(line)).toBe(isWhole);
  expect(files.length).toBe(isWhole ? 0 : 1);
  if (isWhole) return;
  const [head = '', gap = '', tail = ''] = words(view(ended('ok'), { output: output([stdout(line)]) }));
  const hidden = Number(
    /… ([\d,]+) characters hidden, all in output.txt …/.exec(gap)?.[1]?.replaceAll(',', ''),
  );
  expect(head.length + hidden + tail.length).toBe(length);
});

test('an error comes before stderr that was right before it; stdout keeps its place', () => {
  const error: OutputPart = {
    kind: 'error',
    headline: 'ValueError: no',
    userLine: 'line 2: f()',
    cause: undefined,
    traceback: wholeText(''),
    isFolded: false,
    path: undefined,
    hint: 'A hint.',
  };
  const stderr: OutputPart = { kind: 'text', source: 'stderr', text: wholeText('careful'), path: undefined };
  expect(words(view(ended('raised'), { output: output([stdout('out'), stderr, error]) }))).toEqual([
    'out',
    'ValueError: no\nline 2: f()',
    'A hint.',
    'stderr',
    'careful',
    'Error · 1.2 s · In [7] · python3-spark',
  ]);
});

test('images in a row are mentioned once, and have files of their own', () => {
  const drawn = view(ended('ok'), {
    output: output([image('/1-image.png'), image('/2-image.png'), stdout('x'), image('/3-image.gif')]),
  });
  expect(words(drawn).slice(0, 3)).toEqual(['2 images below', 'x', 'Image below']);
  const names = renderRunMessage(drawn, nowMs).files.map((file) =>
    file.kind === 'file' ? file.filename : '',
  );
  expect(names).toEqual(['image-1.png', 'image-2.png', 'image-3.gif']);
});

test('an edited message says which run this is', () => {
  expect(words(view(ended('ok'), { edition: 2 })).at(-1)).toMatch(/ · edited, run 2$/);
});

test('the values of buttons can be read back', () => {
  const { message } = renderRunMessage(
    view(ended('ok'), { actions: ['runAgain', 'editAndRun', 'delete', 'save'] }),
    nowMs,
  );
  const actions = message.blocks.find((block) => block.type === 'actions');
  expect(
    actions?.elements.map((element) =>
      'text' in element && typeof element.text === 'object' ? element.text.text : '',
    ),
  ).toEqual(['Run again', 'Edit and run', 'Delete', '']);
  expect(actions?.elements.at(-1)).toMatchObject({
    type: 'overflow',
    options: [{ text: { text: 'Save' }, value: 'save|run-1|ended' }],
  });
  expect(readButton('run-1|ended', 'run:runAgain')).toEqual({
    action: 'runAgain',
    id: 'run-1',
    state: 'ended',
  });
  expect(readButton('run-1|ended', 'run:nonsense')).toBeUndefined();
  expect(readButton('save|run-1|ended', 'run:menu')).toEqual({
    action: 'save',
    id: 'run-1',
    state: 'ended',
  });
  expect(readButton('run-1|ended', 'run:save')).toBeUndefined();
  expect(readButton('delete|run-1|ended', 'run:menu')).toBeUndefined();
  expect(readButton('x', 'other')).toBeUndefined();
});

test('a hundred errors fit into one message, and the last of them is named in full', () => {
  const errors = Array.from({ length: 100 }, (_, n): OutputPart => ({
    kind: 'error',
    headline: `ValueError: ${'x'.repeat(180)} ${n}`,
    userLine: 'line 2: f()',
    cause: undefined,
    traceback: wholeText('a line\n'.repeat(20)),
    isFolded: false,
    path: `/spool/${n}-traceback.txt`,
    hint: undefined,
  }));
  const said = words(view(ended('raised'), { output: output(errors) }));
  expect(said.join('').length).toBeLessThan(13_000);
  expect(said).toContain(`ValueError: ${'x'.repeat(180)} 99\nline 2: f()`);
});

test.each([
  ['again', 'ran this again'],
  ['edited', 'ran an edited version'],
] as const)('an answer of code run %s begins with who and the code', (kind, said) => {
  const { message } = renderRunMessage(
    view(ended('ok'), { origin: { kind, blocks: ['x = 1', 'x'] } }),
    nowMs,
  );
  const [body] = message.blocks;
  expect(body).toMatchObject({
    elements: [
      { elements: [{ type: 'user', user_id: 'U1' }, { text: ` ${said}` }] },
      { type: 'rich_text_preformatted', elements: [{ text: 'x = 1\n\nx' }] },
      { elements: [{ text: 'No output' }] },
    ],
  });
  expect(message.text).not.toContain('U1');
});

test('long code at the head of an answer is folded, whatever it is made of', () => {
  const blocks = ['"\\'.repeat(50_000)];
  const long = output([]);
  const { message } = renderRunMessage(
    view(ended('ok'), { output: long, origin: { kind: 'edited', blocks } }),
    nowMs,
  );
  expect(JSON.stringify(message.blocks)).toMatch(/more characters/);
  expect(JSON.stringify(message.blocks).length).toBeLessThan(13_000);
});

test.each([
  ['raised', { number: 3, of: 4 }, 'Failed in block 3 of 4; block 4 did not run.'],
  ['raised', { number: 2, of: 4 }, 'Failed in block 2 of 4; blocks 3 to 4 did not run.'],
  ['raised', { number: 4, of: 4 }, 'Failed in block 4 of 4.'],
  ['interrupted', { number: 1, of: 2 }, 'Ended in block 1 of 2; block 2 did not run.'],
] as const)('%s in block %j', (kind, endedBlock, said) => {
  const { message } = renderRunMessage(view(ended(kind, { endedBlock })), nowMs);
  expect(JSON.stringify(message.blocks)).toContain(said);
});

test('code that never reached the kernel names no block', () => {
  const phase = ended('cancelled', { endedBlock: { number: 1, of: 2 } });
  expect(JSON.stringify(renderRunMessage(view(phase), nowMs).message.blocks)).not.toContain('block');
});

describe('a stop that was asked for', () => {
  const error = (headline: string): OutputPart => ({
    kind: 'error',
    headline,
    userLine: 'line 1: time.sleep(60)',
    cause: undefined,
    traceback: wholeText('the traceback'),
    isFolded: true,
    path: '/spool/traceback.txt',
    hint: undefined,
  });
  const stderr = (text: string): OutputPart => ({
    kind: 'text',
    source: 'stderr',
    text: wholeText(text),
    path: undefined,
  });
  const py4j =
    'ERROR:root:KeyboardInterrupt while sending command.\nTraceback (most recent call last):\n  File "x.py"\nKeyboardInterrupt\n';

  test.each([
    ['by a person', ended('interrupted', { stoppedBy: 'U1' })],
    ['by RUN_TIMEOUT', ended('timedOut')],
    ['by INPUT_TIMEOUT', ended('inputTimedOut')],
    ['by a restart of its kernel', ended('kernelRestarted', { detail: 'Stopped with it.' })],
    ['by the end of its kernel', ended('kernelGone', { detail: 'Stopped with it.' })],
  ])('%s is told without a traceback and without its file', (_, phase) => {
    const parts = [stderr(`warned\n${py4j}after`), error('KeyboardInterrupt')];
    const { message, files } = renderRunMessage(view(phase, { output: output(parts) }), nowMs);
    const shown = JSON.stringify(message);
    expect(shown).toContain('Stopped');
    expect(shown).toContain('warned\\nafter');
    expect(shown).not.toMatch(/KeyboardInterrupt|traceback/);
    expect(files).toEqual([]);
  });

  test('what Py4J logs about it is removed, and if nothing is left there was no output', () => {
    const phase = ended('interrupted', { stoppedBy: 'U1' });
    const broken = `ERROR:py4j.clientserver:Exception occurred while shutting down connection
Traceback (most recent call last):
  File "java_gateway.py", line 1038, in send_command
    response = connection.send_command(command)
               ^^^^^^
KeyboardInterrupt

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "clientserver.py", line 504, in shutdown_socket
BrokenPipeError: [Errno 32] Broken pipe
`;
    const shown = (text: string): string =>
      JSON.stringify(renderRunMessage(view(phase, { output: output([stderr(text)]) }), nowMs).message);
    expect(shown(`${py4j}${broken}`)).toContain('No output');
    expect(shown(`${broken}mine`)).toContain('mine');
    expect(shown(`${broken}mine`)).not.toMatch(/BrokenPipe|Traceback/);
    const mine = 'ERROR:root:mine\nTraceback (most recent call last):\nValueError: x\n';
    expect(shown(mine)).toContain('ValueError: x');
  });

  test('a call to Spark that it interrupted is neither an error nor a driver that is gone', () => {
    const phase = ended('interrupted', { stoppedBy: 'U1' });
    const parts = [stderr(py4j), error(DRIVER_HEADLINE)];
    const { message, files } = renderRunMessage(view(phase, { output: output(parts) }), nowMs);
    expect(JSON.stringify(message)).not.toMatch(/driver|traceback/);
    expect(files).toEqual([]);
    const lost = renderRunMessage(view(ended('raised'), { output: output(parts) }), nowMs);
    expect(JSON.stringify(lost.message)).toContain(DRIVER_HEADLINE);
  });

  test.each([
    'SparkException: Job 21 cancelled as part of cancellation of all jobs',
    'Unknown Error: org.apache.spark.SparkException: Job 20 cancelled part of cancelled job group x at org.apache.spark …',
    'SparkConnectGrpcException: (org.apache.spark.SparkSQLException) [OPERATION_CANCELED] Operation has been canceled.',
  ])('what Spark reports about a job that it ended is not an error either: %s', (headline) => {
    const shown = (phase: RunView['phase']) =>
      JSON.stringify(renderRunMessage(view(phase, { output: output([error(headline)]) }), nowMs).message);
    expect(shown(ended('interrupted', { stoppedBy: 'U1' }))).not.toContain('cancel');
    expect(shown(ended('raised'))).toContain('cancel');
  });

  test('a shell cell that it ended has no error either', () => {
    const shown = (headline: string) => {
      const phase = ended('interrupted', { stoppedBy: 'U1' });
      return renderRunMessage(view(phase, { output: output([error(headline)]) }), nowMs).message;
    };
    const command = String.raw`CalledProcessError: Command 'b'sleep 50\n''`;
    expect(JSON.stringify(shown(`${command} died with <Signals.SIGINT: 2>.`))).not.toContain('sleep');
    expect(JSON.stringify(shown(`${command} returned non-zero exit status 1.`))).toContain('sleep');
  });

  test('nor has a call to Spark whose connection Py4J failed to close', () => {
    const headline = "AttributeError: 'GatewayConnection' object has no attribute 'shutdown_socket'";
    const parts = [stderr(py4j), error(headline)];
    const shown = (phase: RunView['phase']) =>
      JSON.stringify(renderRunMessage(view(phase, { output: output(parts) }), nowMs).message);
    expect(shown(ended('interrupted', { stoppedBy: 'U1' }))).not.toContain('shutdown_socket');
    expect(shown(ended('raised'))).toContain('shutdown_socket');
  });

  test('what Spark logs about it is only mentioned', () => {
    const log =
      '26/11/30 19:28:55 ERROR FileFormatWriter: Aborting job d3.\njava.lang.InterruptedException\n\tat java.base/x.run(X.java:1)\n';
    const shown = (phase: RunView['phase']) =>
      JSON.stringify(renderRunMessage(view(phase, { output: output([stderr(log)]) }), nowMs).message);
    for (const phase of [ended('interrupted', { stoppedBy: 'U1' }), ended('timedOut')]) {
      expect(shown(phase)).not.toContain('Aborting');
      expect(shown(phase)).toContain('Spark’s log is');
    }
    expect(shown(ended('ok'))).toContain('Aborting');
  });

  test('the log of the code itself stays: Python writes another date than Spark', () => {
    const own = Array.from({ length: 9 }, (_, n) => `2026-11-30 19:28:5${n},123 INFO epoch ${n}`);
    const late = '26/11/30 19:28:59 WARN TaskSetManager: Lost task 0.0 in stage 0.0 (TID 0): TaskKilled\n';
    for (const text of [own.join('\n'), [...own, late].join('\n')]) {
      const phase = ended('interrupted', { stoppedBy: 'U1' });
      const { message } = renderRunMessage(view(phase, { output: output([stderr(text)]) }), nowMs);
      expect(JSON.stringify(message)).toContain('epoch 8');
    }
  });

  test('an error that the code raised while it was stopped stays', () => {
    const parts = [error('ValueError: cleaning failed')];
    const phase = ended('interrupted', { stoppedBy: 'U1' });
    const { message, files } = renderRunMessage(view(phase, { output: output(parts) }), nowMs);
    expect(JSON.stringify(message)).toContain('cleaning failed');
    expect(files).toHaveLength(1);
  });

  test('an interrupt that nobody asked for stays', () => {
    const parts = [error('KeyboardInterrupt')];
    const { message } = renderRunMessage(view(ended('interrupted'), { output: output(parts) }), nowMs);
    expect(JSON.stringify(message)).toContain('KeyboardInterrupt');
  });
});

describe('code that no message of a person has', () => {
  const done = ended('ok');
  const long = Array.from({ length: 60 }, (_, n) => `line_${n} = ${n}`).join('\n');

  test('is attached whole where the root message shows a part of it', () => {
    const { files } = renderRunMessage(view(done, { code: { blocks: [long], language: 'python' } }), nowMs);
    expect(files).toEqual([
      { kind: 'file', key: 'code', content: { text: `${long}\n` }, filename: 'code.py', snippet: true },
    ]);
    const root = renderRoot({ requester: 'U1', language: 'Python 3', blocks: [long] }, 13_000);
    expect(JSON.stringify(root.blocks)).toContain(String.raw`line_9 = 9\n… 50 more lines`);
  });

  test('is not attached where all of it is shown, nor while it runs', () => {
    const code = { blocks: ['1 + 1', '2'], language: 'R' };
    expect(renderRunMessage(view(done, { code }), nowMs).files).toEqual([]);
    const running = { kind: 'running', sinceMs: nowMs, stopping: false, stopIgnored: false } as const;
    expect(renderRunMessage(view(running, { code: { ...code, blocks: [long] } }), nowMs).files).toEqual([]);
  });

  test('is attached where the head of an edited answer shows a part of it', () => {
    const code = { blocks: [long], language: 'scala' };
    const origin = { kind: 'edited', blocks: [long] } as const;
    const { files } = renderRunMessage(view(done, { code, origin }), nowMs);
    expect(files).toMatchObject([{ filename: 'code.scala' }]);
  });
});

test('Stop counts anew each time that a stop has no effect, and once while it is tried', () => {
  const state = (more: Partial<RunPhase & { kind: 'running' }>) => {
    const phase = { kind: 'running', sinceMs: nowMs, stopping: true, stopIgnored: false, ...more } as const;
    const [button] = renderButtons('run-1', phase, ['stop', 'restart'])?.elements ?? [];
    const { value = '', action_id: id = '' } = button as { value?: string; action_id?: string };
    const click = readButton(value, id);
    expect(click).toMatchObject({ action: 'stop', id: 'run-1' });
    return click?.state;
  };
  const ignored = state({ stopIgnored: true, ignoredAtMs: 1 });
  expect(state({})).toBe('running');
  expect(ignored).not.toBe('running');
  expect(state({ ignoredAtMs: 1 })).toBe(ignored);
  expect(state({ stopIgnored: true, ignoredAtMs: 2 })).not.toBe(ignored);
});

test('a person who may not replace the kernel gets no Switch, and is told who may', () => {
  const phase = {
    kind: 'switchAsked',
    channel: 'C1',
    from: 'python2',
    to: 'scala',
    maySwitch: false,
  } as const;
  const { message } = renderRunMessage(view(phase, { actions: ['cancel'] }), nowMs);
  expect(JSON.stringify(message.blocks)).toContain('only an admin may replace it with scala');
  expect(JSON.stringify(message.blocks)).not.toContain('run:switch');
});
