/**
 * Throws monsters at a whole bot, one after the other, and prints at once each that held its event loop for too long or got
 * another answer than its own: `node bench/stand/monsters.ts [every=1] [first=1] [named=]` (`every`: one in so many, beginning
 * with the first; `named`: a regular expression of names). Goal: 50 ms.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { finalAnswer, finals } from '../../test/support/ask.ts';
import { givenNumber } from '../given-number.ts';
import { createMonsters } from './monster-kinds.ts';
import type { Monster } from './monster.ts';
import { startWatchedBot } from './watched-bot.ts';

const usage = 'node bench/stand/monsters.ts [every=1] [first=1] [named=]';
const every = givenNumber(0, 1, usage);
const first = givenNumber(1, 1, usage);
const named = new RegExp(process.argv[4] ?? '');
const GOAL_MS = 50;
/** The longest of them, a million messages, takes a minute. */
const ANSWER_MS = 300_000;
/** Time for what the bot does after a monster's end: files, edits. */
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
    if (monster?.isWhole === true) return void monster.say(kernel, request);
    kernel.begin(request);
    void (async () => {
      await monster?.say(kernel, request);
      kernel.reply(request, monster?.reply ?? {});
      kernel.status('idle', request);
    })();
  };
};

let longest = { name: 'none', ownMs: 0 };
let told = 0;
await bot.take();
for (const [at, monster] of monsters.entries()) {
  const { name } = monster;
  const startedMs = performance.now();
  const { ts } = playground.as('ana').post('#data', `<@${playground.bot.id}> \`monster(${at})\``);
  const outcome = await playground
    .waitFor(() => finals(playground, '#data', ts)[0], { timeoutMs: ANSWER_MS, what: 'an answer' })
    .then(async () => (await finalAnswer(playground, '#data', ts)).outcome)
    .catch(() => 'no answer');
  await delay(AFTER_MS);
  if (!bot.isAlive()) throw new Error(`the bot ended with: ${name}`);
  const { ownMs, wallMs } = await bot.take();
  if (ownMs > longest.ownMs) longest = { name, ownMs };
  if (ownMs <= GOAL_MS && outcome === outcomeOf(monster)) continue;
  told += 1;
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(
    `${ownMs.toFixed(0).padStart(6)} ms (${wallMs.toFixed(0)} on the clock)  ${name}: ${outcome} after ${seconds} s`,
  );
}
console.log(
  `${monsters.length} monsters, ${told} told, longest stall ${longest.ownMs.toFixed(0)} ms: ${longest.name}`,
);

function outcomeOf({ reply = {}, outcome }: Monster): string {
  return outcome ?? ('status' in reply && reply.status === 'error' ? 'raised' : 'ok');
}
