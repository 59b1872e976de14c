import { setTimeout as pause } from 'node:timers/promises';
import type { Playground } from '../../../playground/playground.ts';
import { renderThreadAsText } from '../../../playground/render-text.ts';
import { finalAnswer, finals } from '../ask.ts';
import { randomFrom } from '../fault-front.ts';
import { readStoreFile } from '../run-store-file.ts';
import type { StartedBot } from '../start-bot.ts';

export interface StormOptions {
  playground: Playground;
  bot: StartedBot;
  snippets: number;
  channels: number;
  seed: number;
  /** What ana writes as snippet `index`, after the bot's name. */
  typed: (index: number) => string;
  /** Between two snippets. */
  everyMs: number;
  /** The longest time from the bot's start to the next kill. */
  longestLifeMs: number;
  /** Moments at which the bot is killed too. Calls `kill` at the next one. Returns a function that cancels that. */
  moments: readonly ((kill: () => void) => () => void)[];
}

export interface Stormed {
  kills: number;
  answers: readonly StormAnswer[];
  seconds: number;
}

export interface StormAnswer {
  index: number;
  outcome: string;
  text: string;
  /** Final answers in the thread, and the bot's other messages. */
  finals: number;
  others: number;
  /** A kill came after the store's `sending` and before its `running`. */
  wasSending: boolean;
}

/** Posts snippets one after the other over all channels while the bot is killed again and again, until all are answered. */
export async function storm(options: StormOptions): Promise<Stormed> {
  const { playground, snippets, channels, typed, everyMs } = options;
  const began = performance.now();
  const places = Array.from({ length: channels }, (_, index) => playground.addChannel(`storm-${index}`).id);
  const calm = new AbortController();
  const sending = new Set<string>();
  const killing = killAgainAndAgain(options, calm.signal, sending);
  const posts: { index: number; channel: string; ts: string }[] = [];
  const posting = (async () => {
    for (let index = 0; index < snippets; index++) {
      const channel = places[index % channels] ?? '';
      const { ts } = playground.as('ana').post(channel, `<@${playground.bot.id}> ${typed(index)}`);
      posts.push({ index, channel, ts });
      await pause(everyMs);
    }
  })();
  await posting;
  calm.abort();
  const kills = await killing;
  // Slack's last repeat comes minutes later, when nothing is killed any more.
  do {
    playground.retryNow();
    await playground.waitForQuiet();
  } while (playground.service.deliveries.pendingRetries > 0);
  for (const { channel, ts } of posts) await finalAnswer(playground, channel, ts);
  await playground.waitForQuiet();
  const answers = posts.map(({ index, channel, ts }): StormAnswer => {
    const last = finals(playground, channel, ts);
    return {
      index,
      outcome: String(last[0]?.metadata?.event_payload['outcome']),
      text: renderThreadAsText(playground, channel, ts),
      finals: last.length,
      others: playground.replies(channel, ts).length - last.length,
      wasSending: sending.has(`${channel} ${ts}`),
    };
  });
  return { kills, answers, seconds: (performance.now() - began) / 1000 };
}

/** Kills the bot until this is over, and leaves it running. Gives the number of kills; `sending` gets the threads found there. */
async function killAgainAndAgain(
  { bot, seed, longestLifeMs, moments }: StormOptions,
  calm: AbortSignal,
  sending: Set<string>,
): Promise<number> {
  const random = randomFrom(seed);
  const becomesCalm = new Promise<void>((resolve) => calm.addEventListener('abort', () => resolve()));
  let kills = 0;
  for (;;) {
    await Promise.race([pause(random() * longestLifeMs), becomesCalm]);
    if (calm.aborted) return kills;
    const moment = moments[Math.floor(random() * (moments.length + 1))];
    const hit = Promise.withResolvers<void>();
    const callOff = moment?.(() => {
      process.kill(bot.pid, 'SIGKILL');
      hit.resolve();
    });
    if (moment !== undefined) await Promise.race([hit.promise, pause(500), becomesCalm]);
    callOff?.();
    await bot.kill();
    kills += 1;
    for (const run of await readStoreFile(bot.folder))
      if (run.state === 'sending') sending.add(`${run.channel} ${run.thread}`);
    await bot.restart();
  }
}

/** Kills while Slack has a call but has not done it yet; it does it when the bot is gone. */
export function atSlackCall(playground: Playground, method: string): (kill: () => void) => () => void {
  return (kill) => {
    const held = playground.hold(method);
    let isOff = false;
    void held.reached.then(() => {
      if (!isOff) kill();
      held.release();
    });
    return () => {
      isOff = true;
      held.release();
    };
  };
}
