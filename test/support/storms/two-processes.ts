import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { finalAnswer, finals } from '../ask.ts';
import { startFailover } from '../failover.ts';
import { randomFrom } from '../fault-front.ts';
import type { ScriptedGateway } from '../scripted-gateway.ts';

const channels = 10;
const mayEnd = ['ok', 'outputLost', 'unknown'];

/** One of two processes is stopped or killed every few seconds: each snippet is answered once, none runs twice. */
export async function stormOnTwoProcesses(snippets: number): Promise<void> {
  await using failover = await startFailover({ retryDelaysMs: [300, 1_000, 3_000, 600_000] });
  const { playground } = failover;
  const executions = countExecutions(failover.gateway);
  const environment = { QUEUE_LIMIT: '1000', USER_LIMIT: '2000' };
  const one = await failover.start(environment);
  const two = await failover.start(environment);
  const places = Array.from({ length: channels }, (_, index) => playground.addChannel(`storm-${index}`).id);
  const calm = new AbortController();
  const random = randomFrom(5);
  const ending = (async () => {
    for (let ends = 0; ; ends += 1) {
      await pause(1_500 + random() * 5_000);
      if (calm.signal.aborted) return ends;
      const bot = random() < 0.5 ? one : two;
      if (random() < 0.6) await bot.kill();
      else await bot.stop();
      await pause(random() * 6_000);
      await bot.restart();
    }
  })();
  const posts: { index: number; channel: string; ts: string }[] = [];
  for (let index = 0; index < snippets; index += 1) {
    const channel = places[index % channels] ?? '';
    const typed = `<@${playground.bot.id}> \`snippet(${index})\``;
    posts.push({ index, channel, ts: playground.as('ana').post(channel, typed).ts });
    await pause(150);
  }
  calm.abort();
  const ends = await ending;
  await Promise.race([one.untilLeader(), two.untilLeader()]);
  // Slack's last repeat comes minutes later, when nothing is killed any more.
  do {
    playground.retryNow();
    await playground.waitForQuiet();
  } while (playground.service.deliveries.pendingRetries > 0);
  const answers = [];
  for (const { index, channel, ts } of posts) {
    const { outcome } = await finalAnswer(playground, channel, ts);
    const last = finals(playground, channel, ts).length;
    const others = playground.replies(channel, ts).length - last;
    answers.push({ index, outcome, finals: last, others, times: executions.get(index) ?? 0 });
  }
  console.log(`two processes: ${answers.length} answers over ${ends} ends of one of them`);
  expect(answers.filter((answer) => answer.finals !== 1 || answer.others !== 0)).toEqual([]);
  expect(answers.filter(({ times, outcome }) => times !== 1 && outcome !== 'unknown')).toEqual([]);
  expect(answers.filter(({ times }) => times > 1)).toEqual([]);
  expect(answers.filter(({ outcome }) => !mayEnd.includes(outcome))).toEqual([]);
}

/** Kernels that run one snippet after the other, each for a moment, and count how often each was executed. */
function countExecutions(gateway: ScriptedGateway): Map<number, number> {
  const executions = new Map<number, number>();
  gateway.onStart = (kernel) => {
    let last = Promise.resolve();
    let count = 0;
    kernel.onExecute = (request) => {
      last = last.then(async () => {
        const index = Number(/\d+/.exec(String(request.content['code']))?.[0]);
        executions.set(index, (executions.get(index) ?? 0) + 1);
        kernel.begin(request, (count += 1));
        kernel.stream(request, `${index} begins\n`);
        await pause(20 + ((index * 37) % 200));
        kernel.stream(request, `${index} ends\n`);
        kernel.end(request, { execution_count: count });
      });
    };
  };
  return executions;
}
