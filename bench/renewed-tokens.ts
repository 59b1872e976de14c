import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startKernelGateway } from '../demo/gateway.ts';
import { showProgress } from '../demo/provision/progress.ts';
import { provision } from '../demo/provision/provision.ts';
import { startPlayground } from '../playground/playground.ts';
import { RenewingCredentials } from '../src/gateway/auth/credentials.ts';
import type { TokenPlace } from '../src/gateway/auth/token-source.ts';
import type { Credentials } from '../src/gateway/gateway.ts';
import { readEndpoints } from '../src/gateway/http/endpoints.ts';
import { silentLog } from '../src/log.ts';
import { askMessage } from '../test/support/ask.ts';
import { startBot } from '../test/support/start-bot.ts';
import { startTokenCommand } from '../test/support/token-command.ts';
import { quantile } from './gateway-setting.ts';
import { givenNumber } from './given-number.ts';
import { startRenewingFront } from './renewing-front.ts';

/**
 * The whole bot behind a front whose tokens end after 4 s, on a real Kernel Gateway: runs at an even pace over a minute, in
 * four channels; each 10 s, when all that was asked has ended, the websockets are cut. (A request that a cut meets on its way may be
 * lost, and ends as not known: that is no matter of tokens.) Then what fresh headers cost a request. Prints figures.
 *
 *   node bench/renewed-tokens.ts [runs]
 */

const runs = givenNumber(0, 1_000, 'node bench/renewed-tokens.ts [runs]');
const SECONDS = 60;
const CUT_EVERY_MS = 10_000;
const TOKEN_LIFE_MS = 4_000;
const CHANNELS = ['#data', ...Array.from({ length: 19 }, (_, n) => `#bench${n + 1}`)];
const HEADER_ROUNDS = 20_000;

await runBehindFront();
await measureHeaders();
process.exit(0);

async function runBehindFront(): Promise<void> {
  const provisioned = await provision(process.env, showProgress(process.stderr));
  const server = await startKernelGateway({ provisioned });
  await using tokens = await startTokenCommand(TOKEN_LIFE_MS);
  await using front = await startRenewingFront(server, (header) => tokens.isValid(header));
  await using playground = await startPlayground({ rates: false });
  for (const name of CHANNELS.slice(1)) playground.addChannel(name.slice(1));
  await using bot = await startBot({
    playground,
    gateway: { httpUrl: front.url },
    environment: {
      KG_AUTH_COMMAND: tokens.setting,
      KG_AUTH_SCHEME: 'Bearer',
      QUEUE_LIMIT: String(runs),
      USER_LIMIT: String(runs),
      RESULT_REACTIONS: 'off',
    },
  });
  const ask = async (n: number): Promise<number> => {
    const sinceMs = performance.now();
    const channel = CHANNELS[n % CHANNELS.length] ?? '';
    const { outcome, text } = await askMessage(
      playground,
      'ana',
      channel,
      `<@${playground.bot.id}> \`print("run", ${n})\``,
    );
    if (outcome !== 'ok' || !text.includes(`run ${n}`))
      throw new Error(`run ${n} ended as ${outcome}: ${text.slice(-400)}`);
    return performance.now() - sinceMs;
  };
  // The kernels have started before the clock begins.
  await Promise.all(CHANNELS.map((_, n) => ask(n)));
  const beganMs = performance.now();
  const asked: Promise<number>[] = [];
  let cutMs = beganMs + CUT_EVERY_MS;
  for (let n = 0; n < runs; n += 1) {
    if (performance.now() >= cutMs) {
      await Promise.allSettled(asked);
      front.cut();
      cutMs += CUT_EVERY_MS;
    }
    const dueMs = beganMs + (n * SECONDS * 1_000) / runs;
    await pause(Math.max(0, dueMs - performance.now()));
    const answer = ask(n);
    // Failures are counted once all runs have ended.
    answer.catch(() => undefined);
    asked.push(answer);
  }
  const ended = await Promise.allSettled(asked);
  const tookS = (performance.now() - beganMs) / 1_000;
  const times = ended.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  for (const each of ended.filter(({ status }) => status === 'rejected').slice(0, 5)) console.log(each);
  const commands = await tokens.runs();
  const isOneByOne = commands.every((word, index) => word === (index % 2 === 0 ? 'begin' : 'end'));
  console.log(
    `${runs} runs over ${tookS.toFixed(0)} s, tokens of ${TOKEN_LIFE_MS / 1_000} s: ${runs - times.length} failures; ` +
      `${tokens.tokens().length} tokens, ${isOneByOne ? 'one command at a time' : 'COMMANDS OVERLAPPED'}; ` +
      `${front.counts.passed} requests and upgrades, ${front.counts.refused} refused; ` +
      `mention to answer ${quantile(times, 0.5).toFixed(0)} ms, p99 ${quantile(times, 0.99).toFixed(0)} ms`,
  );
  await bot.stop();
  await server.stop();
}

/** What it costs to ask for headers before each request, beside requests with fixed headers. */
async function measureHeaders(): Promise<void> {
  await using tokens = await startTokenCommand(3_600_000);
  const path = join(tokens.folder, 'token');
  await writeFile(path, 'a-token');
  const argv = tokens.setting.replaceAll("'", '').split(' ');
  const lasting = await headerMs(undefined);
  const ofCommand = await headerMs(open({ kind: 'command', argv }));
  const ofFile = await headerMs(open({ kind: 'file', path }));
  console.log(
    `headers of a request: ${lasting} ms where they last, ${ofCommand} ms from a command, ${ofFile} ms from a file`,
  );
}

function open(place: TokenPlace): RenewingCredentials {
  return new RenewingCredentials(
    { place, scheme: 'Bearer', header: 'Authorization' },
    { log: silentLog, onSecret: () => undefined },
  );
}

async function headerMs(credentials: Credentials | undefined): Promise<string> {
  const endpoints = readEndpoints(
    {
      httpUrl: 'http://127.0.0.1:1/',
      wsUrl: 'ws://127.0.0.1:1/',
      headers: { 'X-Team': 'data' },
      tls: { verify: true },
      launchTimeoutMs: 1,
      maxMessageBytes: 1,
      startConcurrency: 1,
    },
    credentials,
  );
  await endpoints.headers();
  const sinceMs = performance.now();
  for (let round = 0; round < HEADER_ROUNDS; round += 1) await endpoints.headers();
  return ((performance.now() - sinceMs) / HEADER_ROUNDS).toFixed(4);
}
