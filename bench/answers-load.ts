import { median } from './gateway-setting.ts';
import { startAnswers } from './answers-setting.ts';
import { givenNumber } from './given-number.ts';

/**
 * Many runs that print at once and end in the same second, on the local Slack with Slack's rates. Prints how long each
 * final answer took, edits and 429s.
 *
 *   node bench/answers-load.ts [answers=20] [seconds=60]
 */

const usage = 'node bench/answers-load.ts [answers=20] [seconds=60]';
const count = givenNumber(0, 20, usage);
const seconds = givenNumber(1, 60, usage);

await using setting = await startAnswers();
const { playground, answer } = setting;
const endAt = Date.now() + seconds * 1000;
const channels = Array.from({ length: count }, (_, number) => playground.addChannel(`load-${number}`).id);
const took = await Promise.all(channels.map((channel, number) => answer(channel, `run-${number}`, endAt)));
const updates = playground.callsOf('chat.update');
console.log(
  JSON.stringify({
    answers: count,
    seconds,
    finalMs: { median: Math.round(median(took)), max: Math.round(Math.max(...took)) },
    edits: updates.length,
    editsByAnswer: channels.map((id) => updates.filter(({ args }) => args['channel'] === id).length),
    calls429: playground.calls.filter(({ status }) => status === 429).map(({ method }) => method),
  }),
);
