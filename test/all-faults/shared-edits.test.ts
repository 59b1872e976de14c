import { expect, test } from 'vitest';
import type { SlackMessage } from '../../playground/messages.ts';
import { type Playground, startPlayground } from '../../playground/playground.ts';
import { finalAnswer } from '../support/ask.ts';
import { findRedisServer, startRedisServer } from '../support/redis-server.ts';
import { type ScriptedGateway, startScriptedGateway } from '../support/scripted-gateway.ts';
import { type StartedBot, startBot } from '../support/start-bot.ts';

/** Two processes of the bot on one Redis print at Slack's rates: together they stay within 50 edits a minute. */
const found = await findRedisServer();
const testRedis = test.skipIf('missing' in found);

const answersOfEach = 3;
const patience = { timeoutMs: 120_000 };
/** The minute of Slack's rates is a real one. */
const timeout = 400_000;
/** Calls travel for different times on a busy machine. */
const fewRefusals = 2;

/** Kernels that print a line every 100 ms until `end`. */
async function startPrintingGateway(): Promise<ScriptedGateway & { end: () => void } & AsyncDisposable> {
  const gateway = await startScriptedGateway();
  const ends: (() => void)[] = [];
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => {
      kernel.begin(request);
      let line = 0;
      const printing = setInterval(() => kernel.stream(request, `line ${(line += 1)}\n`), 100);
      ends.push(() => {
        clearInterval(printing);
        kernel.stream(request, 'the last line\n');
        kernel.reply(request);
        kernel.status('idle', request);
      });
    };
  };
  const end = () => ends.splice(0).forEach((each) => each());
  const dispose = async () => {
    end();
    await gateway.close();
  };
  return Object.assign(gateway, { end, [Symbol.asyncDispose]: dispose });
}

interface Scene extends AsyncDisposable {
  playground: Playground;
  gateway: ScriptedGateway & { end: () => void };
  bots: [StartedBot, StartedBot];
  /** Starts a run in each of some channels, some at each bot; resolves when all of them show a line. */
  print(answers: number): Promise<Place[]>;
}

interface Place {
  channel: string;
  thread: string;
}

async function startScene(): Promise<Scene> {
  if ('missing' in found) throw new Error(found.missing);
  const parts = new AsyncDisposableStack();
  const redis = await startRedisServer(found.path);
  parts.defer(() => redis.kill());
  const gateway = parts.use(await startPrintingGateway());
  const playground = await startPlayground();
  parts.defer(() => playground.stop());
  const start = async () => {
    const environment = { STORE_URL: redis.url, DEFAULT_LANGUAGE: 'python3', USER_LIMIT: '100' };
    return parts.use(
      await startBot({
        playground,
        gateway,
        environment: { ...environment, START_CONCURRENCY: '5', LOG_LEVEL: 'debug' },
      }),
    );
  };
  const bots: [StartedBot, StartedBot] = [await start(), await start()];
  await playground.waitForConnection(2);
  return {
    playground,
    gateway,
    bots,
    async print(answers) {
      const places: Place[] = [];
      const isRoot = ({ metadata }: SlackMessage) => metadata?.event_type === 'sparkthread_root';
      const isPrinting = ({ blocks }: SlackMessage) => JSON.stringify(blocks).includes('line 1');
      while (places.length < answers) {
        const [one, two] = bots.map(runsOf);
        // deliveries reach the two in turn, and each run causes as many: one more changes whose turn it is
        if (Math.abs((one ?? 0) - (two ?? 0)) > 1) playground.as('ana').post('#general', 'hello');
        const { id: channel } = playground.addChannel(`printing-${places.length}`);
        await playground.as('ana').slash(channel, '/spark print');
        const { ts: thread } = await playground.waitForMessage(channel, isRoot, patience);
        await playground.waitForReply(channel, thread, isPrinting, patience);
        places.push({ channel, thread });
      }
      expect(Math.min(...bots.map(runsOf))).toBeGreaterThanOrEqual(answersOfEach);
      return places;
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

const runsOf = ({ log }: StartedBot) => log.filter(({ msg }) => msg === 'sent to the kernel').length;
const edits = (playground: Playground) => playground.callsOf('chat.update');
const refused = (playground: Playground) => edits(playground).filter(({ status }) => status === 429);

testRedis(
  'twenty answers over two replicas print for more than a minute and end at once',
  { timeout },
  async () => {
    await using scene = await startScene();
    const { playground, gateway } = scene;
    const places = await scene.print(20);
    await playground.waitFor(() => edits(playground).length >= 50, {
      timeoutMs: 300_000,
      what: '50 edits',
    });
    gateway.end();
    const finals = await Promise.all(
      places.map((place) => finalAnswer(playground, place.channel, place.thread)),
    );
    expect(finals.map(({ outcome }) => outcome)).toEqual(places.map(() => 'ok'));
    for (const { text } of finals) expect(text).toContain('the last line');
    expect(refused(playground).length).toBeLessThanOrEqual(fewRefusals);
    const live = places.map(({ channel }) =>
      edits(playground).filter(({ args }) => args['channel'] === channel),
    );
    expect(Math.min(...live.map(({ length }) => length))).toBeGreaterThanOrEqual(2);
  },
);

testRedis(
  'one of them is killed: what it used up binds the other, which finishes all answers',
  { timeout },
  async () => {
    await using scene = await startScene();
    const { playground, gateway, bots } = scene;
    const places = await scene.print(10);
    await playground.waitFor(() => edits(playground).length >= 25, { timeoutMs: 300_000, what: '25 edits' });
    const [one, two] = bots;
    const victim = runsOf(one) > runsOf(two) ? one : two;
    const kernels = [...gateway.kernels.values()];
    const heard = () => kernels.filter(({ sockets }) => sockets.size > 0).length;
    await victim.kill();
    await playground.waitFor(() => heard() < kernels.length, { timeoutMs: 60_000, what: 'lost kernels' });
    await playground.waitFor(() => heard() === kernels.length, {
      timeoutMs: 120_000,
      what: 'every kernel heard again',
    });
    gateway.end();
    const finals = await Promise.all(
      places.map((place) => finalAnswer(playground, place.channel, place.thread)),
    );
    for (const { text } of finals) expect(text).toContain('the last line');
    expect(refused(playground).length).toBeLessThanOrEqual(fewRefusals);
  },
);
