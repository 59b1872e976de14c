import { expect, test } from 'vitest';
import type { Run } from '../../../../src/runs/run.ts';
import { answerLink, firstLine, runLine, runStatus } from '../../../../src/slack/blocks/run-summary.ts';
import { summarizeCode } from '../../../../src/store/run-reader.ts';

const run: Run = {
  id: 'r1',
  workspace: 'T1',
  channel: 'C1',
  thread: '100.000001',
  queue: 'T1/C1',
  requester: 'U1',
  state: 'posted',
  order: 1,
  createdAt: 0,
  updatedAt: 0,
  data: {
    source: 'slash',
    kernelspec: 'python3',
    ...summarizeCode(['print(1)']),
    requestKey: 'd',
    edition: 1,
    needsRoot: true,
    block: 0,
    notes: [],
    messageTs: '101.000002',
    outcome: { kind: 'ok', durationMs: 50, kernelspec: 'python3', variablesLost: false, possibleGap: false },
  },
};

test('the link goes to the answer in its thread, else to the thread, else nowhere', () => {
  const url = 'https://team.slack.com/';
  expect(answerLink(run, url)).toBe(
    'https://team.slack.com/archives/C1/p101000002?thread_ts=100.000001&cid=C1',
  );
  const { messageTs: _, ...data } = run.data;
  expect(answerLink({ ...run, data }, url)).toBe('https://team.slack.com/archives/C1/p100000001');
  expect(answerLink({ ...run, thread: '', data }, url)).toBeUndefined();
});

test.each([
  [['print(1)'], '`print(1)`'],
  [['\n  x = 1\ny = 2'], '`x = 1` …'],
  [['a'.repeat(61)], `\`${'a'.repeat(60)}\` …`],
  [['`<!channel>` & co'], '`ˋ&lt;!channel&gt;ˋ &amp; co`'],
])('%j reads %s', (blocks, shown) => {
  expect(firstLine({ ...run, data: { ...run.data, ...summarizeCode(blocks) } })).toBe(shown);
});

test('its state, or how it ended, with the display name of its language', () => {
  expect(runStatus(run)).toBe('Done · 0.05 s · python3');
  expect(runStatus({ ...run, data: { ...run.data, displayName: 'Python 3' } })).toBe(
    'Done · 0.05 s · Python 3',
  );
  const { outcome: _, ...data } = run.data;
  expect(runStatus({ ...run, state: 'running', data })).toBe('Running · python3');
  expect(runStatus({ ...run, state: 'waiting', data })).toBe('Waiting · python3');
});

test('one line: how it ended, when, who, the code without markup, and the status as the link', () => {
  const time = '<!date^0^{date_short_pretty} at {time}|1970-01-01T00:00:00.000Z>';
  const code = summarizeCode(['d[1:x:2] < `y`\nz']);
  const link = 'https://t.slack.com/archives/C1/p101000002?thread_ts=100.000001&cid=C1';
  expect(runLine({ ...run, data: { ...run.data, ...code } }, 'https://t.slack.com/')).toBe(
    `✓ ${time} · <@U1> · \`d[1:x:2] &lt; ˋyˋ\` … · <${link}|Done · 0.05 s · python3>`,
  );
  const failed = { ...run.data, outcome: { ...run.data.outcome!, kind: 'raised' as const } };
  expect(runLine({ ...run, data: failed }, 'https://t.slack.com/')).toMatch(/^✗ .*\|Error · 0\.05 s/);
  const { outcome: _, messageTs: __, ...data } = run.data;
  expect(runLine({ ...run, thread: '', state: 'running', data }, 'https://t.slack.com/')).toBe(
    `… ${time} · <@U1> · \`print(1)\` · Running · python3`,
  );
});
