import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { startKernelGateway } from '../../../demo/gateway.ts';
import type { Provisioned } from '../../../demo/provision/provision.ts';
import { startPlayground } from '../../../playground/playground.ts';
import { type ScriptedKernel, type ScriptMessage, startScriptedGateway } from '../scripted-gateway.ts';
import { startBot } from '../start-bot.ts';
import { atSlackCall, storm, type StormAnswer, type StormOptions } from './kills.ts';

/** Like Slack's repeats, which outlast any restart, but within seconds. */
const retryDelaysMs = [300, 1_000, 3_000, 600_000];
const generous = { QUEUE_LIMIT: '1000', USER_LIMIT: '2000', DEFAULT_LANGUAGE: 'python3' };
const mayEnd = ['ok', 'outputLost', 'unknown'];

/** One bot that is killed every few seconds: each snippet is answered once, and none runs twice. */
export async function stormOnScriptedKernels({
  snippets,
  channels,
  longestLifeMs,
}: Pick<StormOptions, 'snippets' | 'channels' | 'longestLifeMs'>): Promise<void> {
  await using playground = await startPlayground({ rates: false, retryDelaysMs });
  const gateway = await startScriptedGateway();
  const kernels = countingKernels();
  gateway.onStart = (kernel) => kernels.teach(kernel);
  await using bot = await startBot({ playground, gateway, environment: generous });

  const { kills, answers, seconds } = await storm({
    playground,
    bot,
    snippets,
    channels,
    seed: 20_261_122,
    typed: (index) => `\`snippet(${index})\``,
    everyMs: 150,
    longestLifeMs,
    moments: [
      kernels.atRequest,
      kernels.atRequest,
      atSlackCall(playground, 'chat.postMessage'),
      atSlackCall(playground, 'chat.update'),
    ],
  });
  await bot.stop();
  await gateway.close();

  report('scripted gateway', { kills, answers, seconds });
  expect(answers).toHaveLength(snippets);
  expect(answers.filter((answer) => answer.finals !== 1 || answer.others !== 0)).toEqual([]);
  expect(answers.filter(({ outcome }) => !mayEnd.includes(outcome))).toEqual([]);
  expect([...kernels.executions].filter(([, times]) => times !== 1)).toEqual([]);
  expect(
    answers.filter(({ index, outcome }) => !kernels.executions.has(index) && outcome !== 'unknown'),
  ).toEqual([]);
  expect(answers.filter(({ outcome, wasSending }) => outcome === 'unknown' && !wasSending)).toEqual([]);
  expect(answers.filter(isSilentlyShort)).toEqual([]);
}

/** The same on a real gateway. Each snippet counts its executions in a file. */
export async function stormOnRealKernels(
  provisioned: Provisioned,
  { snippets, longestLifeMs }: Pick<StormOptions, 'snippets' | 'longestLifeMs'>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sparkthread-storm-'));
  const written = join(folder, 'written.txt');
  await writeFile(written, '');
  await using playground = await startPlayground({ rates: false, retryDelaysMs });
  await using gateway = await startKernelGateway({ provisioned });
  await using bot = await startBot({
    playground,
    gateway: { httpUrl: gateway.url, token: gateway.token },
    environment: generous,
  });
  const code = (index: number): string =>
    [
      'import time',
      `with open(${JSON.stringify(written)}, 'a') as file: _ = file.write('${index}\\n')`,
      `print('${index} begins', flush=True); time.sleep(0.2)`,
      `print('${index} goes on', flush=True); time.sleep(0.2)`,
      `print('${index} ends', flush=True)`,
    ].join('\n');

  const { kills, answers, seconds } = await storm({
    playground,
    bot,
    snippets,
    channels: 4,
    seed: 7,
    typed: (index) => `\n\`\`\`\n${code(index)}\n\`\`\``,
    everyMs: 800,
    longestLifeMs,
    moments: [atSlackCall(playground, 'chat.postMessage'), atSlackCall(playground, 'chat.update')],
  });
  await bot.stop();
  const executions = (await readFile(written, 'utf8')).trim().split('\n').map(Number);
  await rm(folder, { recursive: true });

  report('real gateway', { kills, answers, seconds });
  expect(answers).toHaveLength(snippets);
  expect(answers.filter((answer) => answer.finals !== 1 || answer.others !== 0)).toEqual([]);
  expect(answers.filter(({ outcome }) => !mayEnd.includes(outcome))).toEqual([]);
  expect(executions).toHaveLength(new Set(executions).size);
  expect(
    answers.filter(({ index, outcome }) => !executions.includes(index) && outcome !== 'unknown'),
  ).toEqual([]);
  expect(answers.filter(({ outcome, wasSending }) => outcome === 'unknown' && !wasSending)).toEqual([]);
  expect(answers.filter(isSilentlyShort)).toEqual([]);
}

/** Whether output is missing and the answer does not say so. */
function isSilentlyShort({ index, outcome, text }: StormAnswer): boolean {
  const isWhole = ['begins', 'goes on', 'ends'].every((word) => text.includes(`${index} ${word}`));
  return outcome === 'ok' && !isWhole && !text.includes('Output may be missing');
}

function report(
  where: string,
  { kills, answers, seconds }: { kills: number; answers: readonly StormAnswer[]; seconds: number },
): void {
  const count = (outcome: string): number => answers.filter((answer) => answer.outcome === outcome).length;
  const found = answers.filter(({ wasSending }) => wasSending).length;
  const gaps = answers.filter(({ text }) => text.includes('Output may be missing')).length;
  console.log(
    `${where}: ${answers.length} answers in ${seconds.toFixed(0)} s over ${kills} kills; ok ${count('ok')}, end not seen ${count('outputLost')}, unknown ${count('unknown')} (a kill found ${found} at \`sending\`), possible gap ${gaps}`,
  );
}

/** Kernels that run one snippet after the other and count how often each is executed. */
function countingKernels() {
  const executions = new Map<number, number>();
  let atNextRequest: (() => void) | undefined;

  async function execute(request: ScriptMessage, kernel: ScriptedKernel, count: number): Promise<void> {
    const index = Number(/\d+/.exec(String(request.content['code']))?.[0]);
    executions.set(index, (executions.get(index) ?? 0) + 1);
    kernel.begin(request, count);
    kernel.stream(request, `${index} begins\n`);
    await soon(index);
    kernel.stream(request, `${index} goes on\n`);
    await soon(index * 7);
    kernel.stream(request, `${index} ends\n`);
    kernel.end(request, { execution_count: count });
  }

  return {
    executions,
    teach(kernel: ScriptedKernel): void {
      let last = Promise.resolve();
      let count = 0;
      kernel.onExecute = (request) => {
        atNextRequest?.();
        last = last.then(() => execute(request, kernel, (count += 1)));
      };
    },
    /** The kernel has the request and has sent nothing about it yet. */
    atRequest: (kill: () => void) => {
      atNextRequest = () => {
        atNextRequest = undefined;
        kill();
      };
      return () => {
        atNextRequest = undefined;
      };
    },
  };
}

/** 10 to 150 ms, by the snippet. */
function soon(index: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10 + ((index * 37) % 140)));
}
