/**
 * Large outputs through a whole bot, one after the other: `node bench/stand/big-output.ts [megabytes=100] [runs=3]`. Prints its
 * processor time and its memory before, at the peak and after each. Goal: 64 MB more at the peak, and back to within 20 MB.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { finals } from '../../test/support/ask.ts';
import { givenNumber } from '../given-number.ts';
import { untilTaken } from './until-taken.ts';
import { startWatchedBot } from './watched-bot.ts';

const usage = 'node bench/stand/big-output.ts [megabytes=100] [runs=3]';
const megabytes = givenNumber(0, 100, usage);
const runs = givenNumber(1, 3, usage);
const LINE = `${'x'.repeat(99)}\n`;
const PIECE = LINE.repeat(650);
const SAMPLE_MS = 100;
const AFTER_MS = 10_000;

await using bot = await startWatchedBot({ MAX_OUTPUT: '500MB' });
const { playground, gateway } = bot;
gateway.onStart = (kernel) => {
  kernel.onExecute = (request) => {
    kernel.begin(request);
    void (async () => {
      const bytes = String(request.content['code']).includes('big') ? megabytes * 1e6 : 0;
      for (let sent = 0; sent < bytes; sent += PIECE.length) {
        kernel.stream(request, PIECE);
        await untilTaken(kernel);
      }
      kernel.reply(request);
      kernel.status('idle', request);
    })();
  };
};
await ask('`warm()`');
await delay(AFTER_MS);
const { rssBytes: start, externalBytes: outside } = await bot.take('collect');
const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
for (let run = 1; run <= runs; run += 1) {
  let peak = 0;
  const over = new AbortController();
  const watch = (async () => {
    while (!over.signal.aborted) {
      peak = Math.max(peak, (await bot.take()).rssBytes);
      await delay(SAMPLE_MS);
    }
  })();
  const startedMs = performance.now();
  const { cpuMs: cpuBefore } = await bot.take();
  await ask('`big()`');
  const tookMs = performance.now() - startedMs;
  over.abort();
  await watch;
  const { cpuMs } = await bot.take();
  await delay(AFTER_MS);
  const { rssBytes: after, heapBytes, externalBytes } = await bot.take('collect');
  console.log(
    `run ${run}: ${megabytes} MB in ${(tookMs / 1000).toFixed(1)} s, ${((cpuMs - cpuBefore) / 1000).toFixed(1)} s of a processor; memory ${mb(start)} MB before (${mb(outside)} MB outside the heap), peak +${mb(peak - start)}, after +${mb(after - start)} MB (heap ${mb(heapBytes)} MB, outside it ${mb(externalBytes)} MB)`,
  );
}

async function ask(code: string): Promise<void> {
  const { ts } = playground.as('ana').post('#data', `<@${playground.bot.id}> ${code}`);
  await playground.waitFor(() => finals(playground, '#data', ts)[0], {
    timeoutMs: 120_000,
    what: 'an answer',
  });
}
