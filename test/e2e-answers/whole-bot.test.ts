import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Playground, startPlayground } from '../../playground/playground.ts';
import { finalAnswer } from '../support/ask.ts';
import {
  type ScriptedGateway,
  type ScriptedKernel,
  type ScriptMessage,
  startScriptedGateway,
} from '../support/scripted-gateway.ts';
import { type StartedBot, startBot } from '../support/start-bot.ts';

/** Tests that need the whole bot: endless output and progress bars. The test scripts the kernel. */
const maxOutputBytes = 1_000_000;

let gateway: ScriptedGateway;
let playground: Playground;
let bot: StartedBot;
const scripts = new Map<string, (request: ScriptMessage, kernel: ScriptedKernel) => void>();

beforeAll(async () => {
  gateway = await startScriptedGateway();
  gateway.onStart = (started) => {
    started.onExecute = (request, kernel) => {
      const code = String(request.content['code']);
      const script = scripts.get(code);
      if (script === undefined) kernel.run(request, `${code}\n`);
      else script(request, kernel);
    };
  };
  playground = await startPlayground({ rates: false });
  bot = await startBot({
    playground,
    gateway,
    environment: { DEFAULT_LANGUAGE: 'python3', MAX_OUTPUT: `${maxOutputBytes}` },
  });
  await playground.waitForConnection();
});
afterAll(async () => {
  await bot?.[Symbol.asyncDispose]();
  await playground?.stop();
  await gateway?.close();
});

const run = (code: string) =>
  playground.as('ana').post('#data', `<@${playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``);

test('at MAX_OUTPUT the run is interrupted, that is said, the output so far is attached, and the bot goes on', async () => {
  const line = `${'x'.repeat(999)}\n`;
  scripts.set('flood', (request, kernel) => {
    kernel.begin(request);
    const printing = setInterval(() => kernel.stream(request, line.repeat(50)), 5);
    kernel.onInterrupt = () => {
      clearInterval(printing);
      const error = { ename: 'KeyboardInterrupt', evalue: '', traceback: [] };
      kernel.send('error', error, { parent: request });
      kernel.end(request, { status: 'error', ...error });
    };
  });
  const posted = run('flood');
  const { outcome, text } = await finalAnswer(playground, '#data', posted.ts);
  expect(outcome).toBe('tooMuchOutput');
  expect(text).toMatch(/the limit of one run/);
  await playground.waitFor(() => playground.files.length > 0);
  const [file] = playground.files;
  expect(file?.bytes.toString()).toBe(line.repeat(maxOutputBytes / 1000));
  expect([...gateway.kernels.values()].map(({ interrupts }) => interrupts)).toEqual([1]);
  expect((await finalAnswer(playground, '#data', run('after').ts)).text).toContain('after');
});

test('progress bars move in place while they run', async () => {
  const steps = Promise.withResolvers<void>();
  scripts.set('bars', (request, kernel) => {
    kernel.begin(request);
    const tqdm = (percent: number) => `\r${percent}%|${'█'.repeat(percent / 10)}| ${percent}/100`;
    const spark = (stage: number) =>
      `\r[Stage 0:${'='.repeat(stage)}>${' '.repeat(10 - stage)}(${stage} + 2) / 10]`;
    kernel.stream(request, `${tqdm(0)}${tqdm(10)}`, 'stderr');
    void steps.promise.then(() => {
      kernel.stream(request, `${tqdm(50)}${tqdm(100)}\n`, 'stderr');
      for (let stage = 0; stage < 10; stage += 1) kernel.stream(request, spark(stage), 'stderr');
      kernel.stream(request, `\r${' '.repeat(40)}\r`, 'stderr');
      kernel.stream(request, 'counted\n');
      kernel.end(request);
    });
  });
  const posted = run('bars');
  const live = await playground.waitForReply('#data', posted.ts, ({ blocks }) =>
    JSON.stringify(blocks).includes('10/100'),
  );
  expect(JSON.stringify(live.blocks)).not.toContain(' 0/100');
  steps.resolve();
  const { text, message } = await finalAnswer(playground, '#data', posted.ts);
  expect(message.ts).toBe(live.ts);
  expect(text).toContain('100%|██████████| 100/100');
  expect(text).not.toMatch(/50\/100|Stage/);
  expect(text).toContain('counted');
});
