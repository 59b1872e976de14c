import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { checkSlack } from '../../../src/doctor/check-slack.ts';
import { startReport } from '../../../src/doctor/report.ts';
import { LEAST } from '../../support/least-settings.ts';
import { listen } from '../../support/sockets.ts';

/** What the doctor tells of a Slack whose clock is so far ahead of this machine's. */
async function examine(slackAheadMs: number): Promise<string[]> {
  const server = createServer((_, response) => {
    response.setHeader('date', new Date(Date.now() + slackAheadMs).toUTCString());
    response.end(JSON.stringify({ ok: true }));
  });
  const port = await listen(server);
  const lines: string[] = [];
  const report = startReport((text) => lines.push(...text.trimEnd().split('\n')), false);
  const config = readConfig({ ...LEAST, SLACK_API_URL: `http://127.0.0.1:${port}/api/` });
  await checkSlack(config, report, new AbortController().signal);
  server.closeAllConnections();
  server.close();
  return lines.filter((line, index) => line.includes('clock') || lines[index - 1]?.startsWith('failed'));
}

const MINUTE = 60_000;

test.each([
  [
    -16.5 * MINUTE,
    /^failed {2}clock +This machine’s clock is 16 min \d+ s ahead of Slack’s: schedules run early/,
  ],
  [120.5 * MINUTE, /^failed {2}clock +This machine’s clock is 2 h behind Slack’s: schedules run late/],
])('a clock that differs from Slack’s by %i ms is told once, with what to do', async (aheadMs, words) => {
  expect(await examine(aheadMs)).toEqual([
    expect.stringMatching(words),
    expect.stringMatching(/^ +→ Have NTP set the clock of this machine\.$/),
  ]);
});

test('a clock that agrees with Slack’s is told', async () => {
  expect(await examine(0)).toEqual([expect.stringMatching(/^ok {6}clock +It agrees with Slack’s\.$/)]);
});
