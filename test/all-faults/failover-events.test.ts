import { describe, expect, inject, test } from 'vitest';
import type { SlackMessage } from '../../playground/messages.ts';
import type { Playground } from '../../playground/playground.ts';
import { finalAnswer, finals, sendBox, untilShown } from '../support/ask.ts';
import { hasNoRedis, type LeaderAndStandby, useLeaderAndStandby } from '../support/failover.ts';
import type { LogLine } from '../support/start-bot.ts';

/** The leader runs the code and ends (SIGTERM); the standby takes over and gets what people then do about the run. */
let pair: LeaderAndStandby;
let playground: Playground;

useLeaderAndStandby(
  () => inject('backends'),
  (started) => {
    pair = started;
    ({ playground } = started);
  },
);

const typed = (code: string): string => `<@${playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``;

/** ana posts this code. Resolves once the leader has sent it to the kernel and its answer shows `words`. */
async function runAtFirst(channel: string, code: string, words: string): Promise<SlackMessage> {
  const posted = playground.as('ana').post(channel, typed(code));
  await shown(channel, posted.ts, words);
  const isSent = (line: LogLine): boolean =>
    line['msg'] === 'sent to the kernel' && line['thread'] === posted.ts;
  await pair.leader.untilLog(isSent);
  expect(pair.standby.log.some(isSent)).toBe(false);
  return posted;
}

/** The leader ends in order. From now on its successor gets everything. */
const handOver = (): Promise<void> => pair.handOver(async (leader) => expect(await leader.stop()).toBe(0));

const shown = (channel: string, thread: string, words: string): Promise<SlackMessage> =>
  untilShown(playground, channel, thread, words);

const answers = (channel: string, thread: string): SlackMessage[] =>
  playground.replies(channel, thread).filter(({ metadata }) => metadata?.event_type === 'sparkthread_answer');

/** Prints “asleep” and ends only when it is stopped. */
const sleeper = 'import time\nprint("asleep", flush=True)\ntime.sleep(600)';

describe.skipIf(hasNoRedis)('what arrives at the successor', () => {
  test('a message deleted while it runs: the run is stopped and the answer deleted', async () => {
    const channel = playground.addChannel('deleted').id;
    const posted = await runAtFirst(channel, sleeper, 'asleep');
    await handOver();
    playground.as('ana').delete(posted);
    await playground.waitFor(() => answers(channel, posted.ts).length === 0);
    const next = playground.as('ana').post(channel, typed('40 + 2'));
    expect((await finalAnswer(playground, channel, next.ts)).text).toMatch(/│ 42\n/);
  });

  test('a message deleted while it waits never runs', async () => {
    const channel = playground.addChannel('deleted-waiting').id;
    const running = await runAtFirst(channel, `ran = False\n${sleeper}`, 'asleep');
    const waiting = playground.as('ana').post(channel, typed('ran = True'));
    await shown(channel, waiting.ts, 'before yours');
    await handOver();
    playground.as('ana').delete(waiting);
    await playground.waitFor(() => answers(channel, waiting.ts).length === 0);
    playground.as('ana').post(channel, '!stop', { thread: running.ts });
    await finalAnswer(playground, channel, running.ts);
    const next = playground.as('ana').post(channel, typed('ran'));
    expect((await finalAnswer(playground, channel, next.ts)).text).toMatch(/│ False\n/);
  });

  test('Delete works on an answer of the leader before', async () => {
    const channel = playground.addChannel('pressed').id;
    const posted = await runAtFirst(channel, 'print("to be erased")', 'to be erased');
    const { message } = await finalAnswer(playground, channel, posted.ts);
    await handOver();
    await playground.as('ana').press(message, 'run:delete');
    await playground.waitFor(() => answers(channel, posted.ts).length === 0);
  });

  test('an answer to input() arrives', async () => {
    const channel = playground.addChannel('asked').id;
    const posted = await runAtFirst(channel, 'print("hello " + input("Name? "))', 'Name?');
    const asked = await shown(channel, posted.ts, 'run:answerInput');
    const ana = playground.as('ana');
    await ana.press(asked, 'run:answerInput');
    const box = await playground.waitFor(() => ana.modal);
    await handOver();
    await sendBox(ana, box, 'Ana');
    expect((await finalAnswer(playground, channel, posted.ts)).text).toContain('hello Ana');
  });

  test('after an edit of a running message run 2 waits behind run 1', async () => {
    const channel = playground.addChannel('edited').id;
    const posted = await runAtFirst(channel, sleeper, 'asleep');
    await handOver();
    playground.as('ana').edit(posted, typed('print("second", "edition")'));
    await shown(channel, posted.ts, 'edited');
    await playground.as('ana').slash(channel, '/spark stop');
    const final = await playground.waitFor(
      () =>
        finals(playground, channel, posted.ts).find((each) => JSON.stringify(each).includes('edited, run 2')),
      { what: 'the final answer of run 2' },
    );
    expect(JSON.stringify(final)).toContain('second edition');
  });

  test('after an edit of a waiting message the new code takes its place', async () => {
    const channel = playground.addChannel('edited-waiting').id;
    const running = await runAtFirst(channel, sleeper, 'asleep');
    const waiting = playground.as('ana').post(channel, typed('print("old")'));
    const behind = playground.as('ana').post(channel, typed('print("behind")'));
    await shown(channel, behind.ts, 'before yours');
    await handOver();
    playground.as('ana').edit(waiting, typed('print("new")'));
    await playground.waitForQuiet();
    playground.as('ana').post(channel, '!stop', { thread: running.ts });
    const { text } = await finalAnswer(playground, channel, waiting.ts);
    expect(text).toContain('│ new\n');
    expect(text).not.toMatch(/run 2/);
    expect((await finalAnswer(playground, channel, behind.ts)).text).toMatch(/behind[^]*In \[3\]/);
  });

  test('a waiting run is cancelled by its button', async () => {
    const channel = playground.addChannel('cancelled').id;
    const running = await runAtFirst(channel, sleeper, 'asleep');
    const waiting = playground.as('ana').post(channel, typed('1'));
    const answer = await shown(channel, waiting.ts, 'run:cancel');
    await handOver();
    await playground.as('ana').press(answer, 'run:cancel');
    expect((await finalAnswer(playground, channel, waiting.ts)).outcome).toBe('cancelled');
    await playground.as('ana').slash(channel, '/spark stop');
    expect((await finalAnswer(playground, channel, running.ts)).outcome).toBe('interrupted');
  });

  test('status shows the run, and a restart by command ends it', async () => {
    const channel = playground.addChannel('restarted').id;
    const running = await runAtFirst(channel, sleeper, 'asleep');
    await handOver();
    await playground.as('ana').slash(channel, '/spark status');
    await playground.waitForEphemeral('ana', ({ text }) => /python3.*busy/s.test(text));
    await playground.as('ana').slash(channel, '/spark restart');
    expect((await finalAnswer(playground, channel, running.ts)).outcome).toBe('kernelRestarted');
    const next = playground.as('ana').post(channel, typed('40 + 2'));
    expect((await finalAnswer(playground, channel, next.ts)).text).toMatch(/│ 42\n/);
  });
});
