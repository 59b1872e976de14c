import { setTimeout as delay } from 'node:timers/promises';
import { startAnswers } from './answers-setting.ts';
import { quantile } from './gateway-setting.ts';
import { givenNumber } from './given-number.ts';

/**
 * Runs that end, one each second, beside others that go on printing, on the local Slack with Slack's rates: 50 edits a
 * minute in all. Prints how long after the end of its run a final answer stood, and how many were posted anew.
 *
 *   node bench/ends-beside-progress.ts [printing=20] [ends=120]
 */

const usage = 'node bench/ends-beside-progress.ts [printing=20] [ends=120]';
const printing = givenNumber(0, 20, usage);
const ends = givenNumber(1, 120, usage);

/** Each has a live message by then. */
const RUN_MS = 5_000;
/** Slack takes a post a second and channel, and each of these runs posts at most twice. */
const CHANNELS = 10;

await using setting = await startAnswers();
const { playground, answer } = setting;
const stopAt = Date.now() + ends * 1000 + 2 * RUN_MS;
const others = Array.from({ length: printing }, (_, number) =>
  answer(playground.addChannel(`printing-${number}`).id, `printing-${number}`, stopAt),
);
const channels = Array.from({ length: CHANNELS }, (_, number) => playground.addChannel(`ends-${number}`).id);
const ended: Promise<number>[] = [];
for (let number = 0; number < ends; number += 1) {
  ended.push(answer(channels[number % CHANNELS] ?? '', `end-${number}`, Date.now() + RUN_MS));
  await delay(1_000);
}
const took = await Promise.all(ended);
await Promise.all(others);
const [p50, p99] = [0.5, 0.99].map((part) => `${Math.round(quantile(took, part))} ms`);
const refused = playground.calls.filter(({ status }) => status === 429).map(({ method }) => method);
console.log(
  `${ends} ends, one a second, beside ${printing} that print: final answer after p50 ${p50}, p99 ${p99}; ` +
    `${playground.callsOf('chat.delete').length} posted anew, ${playground.callsOf('chat.update').length} edits, ` +
    `refused for rate: ${refused.join(', ') || 'none'}`,
);
