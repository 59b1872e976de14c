import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SparkObserver, type SparkProgress } from '../../../../src/runs/session/spark-observer.ts';
import type { ScriptedKernel, ScriptMessage } from '../../../support/scripted-gateway.ts';
import { type SessionRig, startSessionRig } from '../../../support/session-rig.ts';
import {
  startStatusServer,
  statusApplication,
  statusJob,
  type StatusServer,
} from '../../../support/spark-status.ts';

const JOBS = '/api/v1/applications/app-1/jobs';

let server: StatusServer;
let rig: SessionRig | undefined;
beforeEach(async () => {
  server = await startStatusServer({ '/api/v1/applications': [statusApplication('app-1', 1)], [JOBS]: [] });
});
afterEach(async () => {
  await rig?.[Symbol.asyncDispose]();
  rig = undefined;
  await server[Symbol.asyncDispose]();
});

/** Each pause lasts until the test ends it, or the signal does. */
function pauses() {
  const began: number[] = [];
  let over = Promise.withResolvers<void>();
  let asked = Promise.withResolvers<void>();
  const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
    began.push(ms);
    asked.resolve();
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([over.promise, aborted]);
  };
  return {
    began,
    pause,
    /** Ends the pause under way, and waits for the next one. */
    async next() {
      await asked.promise;
      asked = Promise.withResolvers();
      const last = over;
      over = Promise.withResolvers();
      last.resolve();
      await asked.promise;
    },
  };
}

async function start(
  given: { url?: string | undefined; progress?: SparkProgress; implementation?: string } = {},
) {
  const { url = `${server.url.replace('//', '//ana:geheim@')}/api/v1`, progress = 'auto' } = given;
  const lines: string[] = [];
  const stream = new PassThrough().on('data', (line: Buffer) => lines.push(line.toString()));
  const clock = pauses();
  const status = 'url' in given && given.url === undefined ? undefined : { url };
  const settings = {
    progress,
    uiUrl: undefined,
    historyUrl: undefined,
    sqlRows: 1_000,
    resultRows: 0,
    status,
  };
  const observer = new SparkObserver(settings, pino(stream), clock.pause);
  const started = await startSessionRig({ observer });
  rig = started;
  const ended = Promise.withResolvers<void>();
  const running = Promise.withResolvers<{ kernel: ScriptedKernel; request: ScriptMessage }>();
  started.gateway.onStart = (kernel) => {
    kernel.implementation = given.implementation ?? 'IRkernel';
    kernel.onExecute = (request) => {
      if (request.content['silent'] === true) return kernel.run(request);
      kernel.begin(request);
      running.resolve({ kernel, request });
      void ended.promise.then(() => {
        kernel.end(request);
      });
    };
  };
  const live = await started.submit('count(df)');
  const { kernel, request } = await running.promise;
  await started.untilShown(live, ({ phase }) => phase.kind === 'running');
  return { rig: started, live, clock, lines, kernel, request, end: () => ended.resolve() };
}

const job = (done: number, more: object = {}) =>
  statusJob(3, Date.now(), { numTasks: 8, numActiveTasks: 2, numCompletedIndices: done, ...more });

test('a run of a kernel without the observer shows and keeps what the API says about its jobs', async () => {
  const { rig: started, live, clock, end, lines } = await start();
  await clock.next();
  expect(live.run.data.spark).toBeUndefined();
  for (const done of [1, 5]) {
    server.answers[JOBS] = [job(done), statusJob(1, Date.now() - 600_000)];
    await clock.next();
    await started.untilShown(live, ({ spark }) => spark?.counts.doneTasks === done);
  }
  server.answers[JOBS] = [job(8, { status: 'SUCCEEDED' })];
  await clock.next();
  end();
  await started.untilDone(live);
  expect(clock.began).toEqual([1_000, 2_000, 2_000, 2_000, 2_000]);
  const asked = server.asked.length;
  const stored = await started.store.runs.get(live.id);
  expect(stored?.data.spark).toMatchObject({
    source: 'status',
    app: 'app-1',
    job: 3,
    isAtWork: false,
    counts: { jobs: 1, endedJobs: 1, tasks: 8, doneTasks: 8 },
  });
  // Its end ended the last pause: what asks on would have asked by now.
  expect(server.asked).toHaveLength(asked);
  expect(lines).toEqual([]);
});

test('a run that has ended meanwhile does not wait for the answer', async () => {
  const { rig: started, live, clock, end, lines } = await start();
  server.answers['/api/v1/applications'] = () => undefined;
  void clock.next();
  await server.untilAsked(1);
  end();
  expect(await started.untilDone(live)).toMatchObject({ kind: 'ok' });
  expect(server.asked).toHaveLength(1);
  expect(lines).toEqual([]);
});

test('an address that fails costs the run nothing, is asked less and less, and logged once without its user', async () => {
  const { rig: started, live, clock, end, lines } = await start();
  server.answers = {};
  for (let count = 0; count < 7; count += 1) await clock.next();
  server.answers = { '/api/v1/applications': [statusApplication('app-1', 1)], [JOBS]: [job(1)] };
  await clock.next();
  server.answers = {};
  await clock.next();
  end();
  expect(await started.untilDone(live)).toMatchObject({ kind: 'ok' });
  expect(clock.began).toEqual([1_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 2_000, 4_000]);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    event: 'spark.unanswered',
    run: live.id,
    address: server.url,
  });
  expect(lines[0]).not.toContain('geheim');
  expect(lines[0]).not.toContain('ana');
});

test('once the API is silent, the console bar is heard again', async () => {
  const {
    rig: started,
    live,
    clock,
    kernel,
    request,
    end,
  } = await start({ progress: 'console', implementation: 'ipython' });
  server.answers[JOBS] = [job(5)];
  await clock.next();
  server.answers = {};
  await clock.next();
  kernel.stream(request, '\r[Stage 0:===>      (3 + 1) / 9]', 'stderr');
  kernel.stream(request, `\r${' '.repeat(80)}\r`, 'stderr');
  await started.untilShown(live, ({ spark }) => spark?.counts.tasks === 9);
  end();
  await started.untilDone(live);
});

describe('nothing is asked', () => {
  test.each([
    ['without an address', { url: undefined }],
    ['with SPARK_PROGRESS=off', { progress: 'off' as const }],
    ['of a kernel with the observer', { implementation: 'ipython' }],
  ])('%s', async (_, given) => {
    const { rig: started, live, clock, end } = await start(given);
    end();
    await started.untilDone(live);
    expect(clock.began).toEqual([]);
    expect(server.asked).toEqual([]);
  });

  test('of a run that is over within a second', async () => {
    const { rig: started, live, clock, end } = await start();
    end();
    await started.untilDone(live);
    expect(clock.began).toEqual([1_000]);
    expect(server.asked).toEqual([]);
  });
});
