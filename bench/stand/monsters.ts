/**
 * Throws monsters at a whole bot, one after the other, and prints the longest time that its event loop stood still:
 * `node bench/stand/monsters.ts [every=1] [shown=12] [first=1] [named=]` (`every`: one in so many, beginning with the first;
 * `named`: a regular expression of names). Goal: 50 ms.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { finalAnswer, finals } from '../../test/support/ask.ts';
import { givenNumber } from '../given-number.ts';
import type { Monster } from './monster.ts';
import { createMonsters } from './monster-kinds.ts';
import { startWatchedBot } from './watched-bot.ts';

const usage = 'node bench/stand/monsters.ts [every=1] [shown=12] [first=1] [named=]';
const every = givenNumber(0, 1, usage);
const shown = givenNumber(1, 12, usage);
const first = givenNumber(2, 1, usage);
const named = new RegExp(process.argv[5] ?? '');
/** The longest of them, a million messages, takes a minute. */
const ANSWER_MS = 300_000;
/** What a monster leaves to do behind its end: files, edits. */
const AFTER_MS = 300;

const monsters = createMonsters()
  .filter(({ name }) => named.test(name))
  .filter((_, at) => at % every === (first - 1) % every);
await using bot = await startWatchedBot({ QUEUE_LIMIT: '1000', USER_LIMIT: '1000', MAX_OUTPUT: '40MB' });
const { playground, gateway } = bot;
gateway.onStart = (kernel) => {
  kernel.onExecute = (request) => {
    const at = /monster\((\d+)\)/.exec(String(request.content['code']))?.[1];
    const monster: Monster | undefined = at === undefined ? undefined : monsters[Number(at)];
    kernel.begin(request);
    void (async () => {
      await monster?.say(kernel, request);
      kernel.reply(request, monster?.reply ?? {});
      kernel.status('idle', request);
    })();
  };
};

const said: { name: string; ownMs: number; wallMs: number; outcome: string; tookMs: number }[] = [];
await bot.take();
for (const [at, { name }] of monsters.entries()) {
  const startedMs = performance.now();
  const { ts } = playground.as('ana').post('#data', `<@${playground.bot.id}> \`monster(${at})\``);
  const outcome = await playground
    .waitFor(() => finals(playground, '#data', ts)[0], { timeoutMs: ANSWER_MS, what: 'an answer' })
    .then(async () => (await finalAnswer(playground, '#data', ts)).outcome)
    .catch(() => 'no answer');
  await delay(AFTER_MS);
  if (!bot.isAlive()) throw new Error(`the bot ended with: ${name}`);
  const { ownMs, wallMs } = await bot.take();
  said.push({ name, ownMs, wallMs, outcome, tookMs: performance.now() - startedMs });
}
const worst = said.toSorted((a, b) => b.ownMs - a.ownMs);
for (const { name, ownMs, wallMs, outcome, tookMs } of worst.slice(0, shown))
  console.log(
    `${ownMs.toFixed(0).padStart(6)} ms (${wallMs.toFixed(0)} on the clock)  ${name}: ${outcome} after ${(tookMs / 1000).toFixed(1)} s`,
  );
const lost = said.filter(({ outcome }) => outcome === 'no answer');
console.log(
  `${said.length} monsters, longest stall ${worst[0]?.ownMs.toFixed(0)} ms, ${lost.length} without an answer`,
);
