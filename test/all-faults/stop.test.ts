import { expect, inject, test } from 'vitest';
import type { Playground } from '../../playground/playground.ts';
import { askSlash, finalAnswer, untilShown } from '../support/ask.ts';
import { useBotOnGateway } from '../support/bot-on-gateway.ts';
import type { StartedBot } from '../support/start-bot.ts';

/** Stop ends the run on each kind of kernel and keeps its variables. Where the code goes on, the answer says so. */
const backends = inject('backends');
const missing = (kernelspec: string): boolean => backends.missing[kernelspec] !== undefined;

let playground: Playground;
let bot: StartedBot;

useBotOnGateway(
  { provisioned: () => backends, environment: { DEFAULT_LANGUAGE: 'python3' } },
  (started) => ({ playground, bot } = started),
);

/** Runs `before`, then `code`, and presses Stop once the answer has `shown`. Gives the answer to `after`. */
async function stopped(
  channel: string,
  language: string,
  { before, code, shown, after }: { before: string; code: string; shown: string; after: string },
): Promise<string> {
  await askSlash(playground, 'ana', channel, `/spark ${language} ${before}`);
  const posted = playground
    .as('ana')
    .post(channel, `<@${playground.bot.id}> ${language}\n\`\`\`\n${code}\n\`\`\``);
  const answer = await untilShown(playground, channel, posted.ts, shown);
  const pressedAt = performance.now();
  await playground.as('ana').press(answer, 'run:stop');
  const { outcome } = await finalAnswer(playground, channel, posted.ts);
  console.log(`${language}: stopped after ${((performance.now() - pressedAt) / 1000).toFixed(1)} s`);
  expect(outcome).toBe('interrupted');
  return (await askSlash(playground, 'ana', channel, `/spark ${language} ${after}`)).text;
}

test.each([
  { what: 'a loop', name: 'loop', code: 'print("at work", flush=True)\nwhile True: pass' },
  { what: 'a sleep', name: 'sleep', code: 'import time\nprint("at work", flush=True)\ntime.sleep(3600)' },
])('a stop ends $what in Python and keeps the variables', async ({ name, code }) => {
  const channel = playground.addChannel(name).id;
  const told = { before: 'kept = 41', code, shown: 'at work', after: 'kept + 1' };
  expect(await stopped(channel, 'python3', told)).toMatch(/│ 42\n/);
});

test.skipIf(missing('python3-spark'))(
  'a stop ends a Spark job: it is cancelled, and the context lives on',
  async () => {
    const channel = playground.addChannel('spark').id;
    const text = await stopped(channel, 'python3-spark', {
      before: 'kept = 41',
      code: 'import time\nprint("job begins", flush=True)\nsc.parallelize(range(40000), 400).map(lambda x: time.sleep(0.05)).count()',
      shown: 'job begins',
      after: 'print(sc.parallelize(range(kept + 1)).count(), len(sc.statusTracker().getActiveJobsIds()))',
    });
    expect(text).toMatch(/│ 42 0\n/);
  },
);

test.skipIf(missing('ir'))('a stop ends R code and keeps the variables', async () => {
  const channel = playground.addChannel('r').id;
  const text = await stopped(channel, 'ir', {
    before: 'kept <- 41',
    code: 'cat("asleep\\n"); flush.console(); Sys.sleep(3600)',
    shown: 'asleep',
    after: 'kept + 1',
  });
  expect(text).toMatch(/│ (\[1\] )?42\n/);
});

test.skipIf(missing('scala-spark'))(
  'if a kernel ignores a stop, a restart is offered and works',
  async () => {
    const channel = playground.addChannel('scala').id;
    await askSlash(playground, 'ana', channel, '/spark scala-spark val kept = 41');
    const posted = playground
      .as('ana')
      .post(
        channel,
        `<@${playground.bot.id}> scala-spark\n\`\`\`\nprintln("asleep"); Thread.sleep(3600000)\n\`\`\``,
      );
    const running = await untilShown(playground, channel, posted.ts, 'run:stop');
    await playground.as('ana').press(running, 'run:stop');
    const offered = await untilShown(playground, channel, posted.ts, 'run:restart');
    await playground.as('ana').press(offered, 'run:restart');
    expect((await finalAnswer(playground, channel, posted.ts)).outcome).toBe('kernelRestarted');
    expect((await askSlash(playground, 'ana', channel, '/spark scala-spark println(40 + 2)')).text).toMatch(
      /│ 42\n/,
    );
  },
);

test('RUN_TIMEOUT ends a run by the clock', async () => {
  const since = bot.log.length;
  await bot.stop();
  await bot.restart({ RUN_TIMEOUT: '2s' });
  expect(bot.log.slice(since).some((line) => line['msg'] === 'ready')).toBe(true);
  const channel = playground.addChannel('clock').id;
  const { outcome, text } = await askSlash(
    playground,
    'ana',
    channel,
    '/spark python3 import time; time.sleep(3600)',
  );
  expect(outcome).toBe('timedOut');
  expect(text).toContain('Stopped by the time limit');
  await bot.stop();
  await bot.restart({ RUN_TIMEOUT: '' });
});
