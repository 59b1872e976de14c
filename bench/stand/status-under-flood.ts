/**
 * `/spark status` while cells flood and one person sends monsters: `node bench/stand/status-under-flood.ts [cells=20]
 * [seconds=60]`. Prints how long its answers took. Goal: 300 ms at the 99th of a hundred.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { givenNumber } from '../given-number.ts';
import { createMonsters } from './monster-kinds.ts';
import { startWatchedBot } from './watched-bot.ts';

const usage = 'node bench/stand/status-under-flood.ts [cells=20] [seconds=60]';
const cells = givenNumber(0, 20, usage);
const seconds = givenNumber(1, 60, usage);
/** Each cell prints a thousand lines a second, in ten messages. */
const LINES = 'a line of a cell that floods\n'.repeat(100);
const EVERY_MS = 100;
const MONSTER_MS = 1_000;

/** Without the monsters that would keep this process itself busy; monsters.ts has them. */
const monsters = createMonsters().filter(({ name }) => !/30 MB|20 MB|1,000,000/.test(name));
await using bot = await startWatchedBot({ USER_LIMIT: '1000' }, { rates: true });
const { playground, gateway } = bot;
const until = performance.now() + seconds * 1_000;
let thrown = 0;
gateway.onStart = (kernel) => {
  kernel.onExecute = (request) => {
    const code = String(request.content['code']);
    kernel.begin(request);
    void (async () => {
      while (performance.now() < until) {
        if (code === 'monsters()') {
          await monsters[thrown % monsters.length]?.say(kernel, request);
          thrown += 1;
          await delay(MONSTER_MS);
        } else {
          kernel.stream(request, LINES);
          await delay(EVERY_MS);
        }
      }
      kernel.reply(request);
      kernel.status('idle', request);
    })();
  };
};
for (let cell = 0; cell < cells; cell += 1) {
  const { id } = playground.addChannel(`flood-${cell}`);
  playground.as('ana').post(id, `<@${playground.bot.id}> \`flood(${cell})\``);
}
const { id } = playground.addChannel('monsters');
playground.as('ben').post(id, `<@${playground.bot.id}> \`monsters()\``);
await delay(2_000);
await bot.take();
const tookMs: number[] = [];
const failures: string[] = [];
let stallMs = 0;
// Slack and the gateway are in this process: while it is busy, neither answers.
const ours = monitorEventLoopDelay({ resolution: 5 });
ours.enable();
while (performance.now() < until) {
  const askedMs = performance.now();
  const reaction = await playground.as('ana').slash('#data', '/spark status');
  if (!reaction.ok) failures.push(JSON.stringify(reaction));
  tookMs.push(performance.now() - askedMs);
  stallMs = Math.max(stallMs, (await bot.take()).ownMs);
  await delay(50);
}
tookMs.sort((a, b) => a - b);
const at = (share: number): string => (tookMs[Math.floor(tookMs.length * share)] ?? NaN).toFixed(0);
console.log(
  `${tookMs.length} times /spark status beside ${cells} cells and ${thrown} monsters: median ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(0.9999)} ms; longest stall of the bot ${stallMs.toFixed(0)} ms, of this bench ${(ours.max / 1e6).toFixed(0)} ms`,
);
if (failures.length > 0) console.log(`${failures.length} failed, the first: ${failures[0]}`);
