import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGatewayClient } from '../../src/gateway/client.ts';
import type {
  ConnectionEvent,
  Gateway,
  GatewaySettings,
  KernelConnection,
} from '../../src/gateway/gateway.ts';
import type { ExecuteRequest, ExecutionEnd, KernelOutput } from '../../src/gateway/outputs.ts';
import { DEFAULT_TIMINGS } from '../../src/gateway/timings.ts';
import { silentLog } from '../../src/log.ts';
import { type FaultFront, type Faults, startFaultFront } from './fault-front.ts';
import {
  connectTo,
  kindsOf,
  run,
  settingsFor,
  textOf,
  type Watched,
  type WatchedConnection,
  watch,
} from './gateway-client.ts';

/** A real server for the conformance suite. */
export interface ConformanceServer extends AsyncDisposable {
  settings: GatewaySettings;
  /** The server's address, before which a fault front is put. */
  url: string;
}

export interface ConformanceCase {
  start: () => Promise<ConformanceServer>;
  /** Starts another front between client and fault front. Its settings lead through both. */
  startOuterFront?: (faultFrontUrl: string) => Promise<ConformanceServer>;
  /** Faults of a front between client and server, drawn from the seed. Output may then be missing, if the end says so. */
  faults?: Faults;
  seed?: number;
  /** `env` of a start reaches the kernel (Jupyter Server ignores it). */
  takesEnv: boolean;
  /** A chosen kernel id is honoured (Kernel Gateway 2 and Enterprise Gateway's own way aside). */
  takesKernelId: boolean;
}

const ticks = 'import time\nfor i in range(8):\n    print("tick", i, flush=True); time.sleep(0.2)';
const eightTicks = Array.from({ length: 8 }, (_, n) => `tick ${n}\n`).join('');

/** The number that ipykernel gave a message (`session_pid_n`), from the header, which comes before the parent's. */
function numberIn(frame: string): number {
  return Number(/"msg_id": ?"[^"]+_\d+_(\d+)"/.exec(frame)?.[1]);
}

/** Whether `frames` have every number from the first to the last of an execution. */
function isWhole(frames: readonly string[], msgId: string): boolean {
  const own = frames.filter((frame) => frame.includes(msgId)).map(numberIn);
  const first = Math.min(...own);
  const last = Math.max(...own);
  const within = frames.map(numberIn).filter((number) => number >= first && number <= last);
  return new Set(within).size === last - first + 1;
}

/** What our client has to get from every gateway, with ipykernel. */
export function testConformance(name: string, conformance: ConformanceCase): void {
  // The order decides, with the seed, what the faults hit.
  describe(name, { shuffle: false }, () => {
    const isFaulty = conformance.faults !== undefined;
    let server: ConformanceServer;
    let front: FaultFront;
    let outerFront: ConformanceServer | undefined;
    let gateway: Gateway;
    let direct: Gateway;

    beforeAll(async () => {
      server = await conformance.start();
      front = await startFaultFront(server.url, conformance.seed);
      front.faults = conformance.faults ?? {};
      outerFront = await conformance.startOuterFront?.(front.httpUrl);
      const settings = outerFront?.settings ?? {
        ...server.settings,
        httpUrl: front.httpUrl,
        wsUrl: front.wsUrl,
      };
      // With the real times, each loss behind a fault front would cost 11 s, and the suite an hour.
      const timings = isFaulty
        ? { ...DEFAULT_TIMINGS, silenceMs: 2_000, firstLookMs: 500, graceMs: 1_000, idleGraceMs: 1_000 }
        : DEFAULT_TIMINGS;
      gateway = createGatewayClient(settings, { log: silentLog, timings });
      direct = createGatewayClient(server.settings, { log: silentLog });
    });
    afterAll(async () => {
      await gateway?.close();
      await direct?.close();
      await outerFront?.[Symbol.asyncDispose]();
      await front?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    async function startKernel(env: Record<string, string> = {}): Promise<string> {
      const kernelId = randomUUID();
      const model = await gateway.startKernel({
        kernelspec: 'python3',
        kernelId,
        env: { KERNEL_USERNAME: 'tester', ...env },
      });
      if (conformance.takesKernelId) expect(model.id).toBe(kernelId);
      return model.id;
    }

    async function withKernel(
      use: (
        connection: KernelConnection,
        events: ConnectionEvent[],
        untilEvent: WatchedConnection['untilEvent'],
      ) => Promise<void>,
      kernelId?: string,
    ): Promise<void> {
      const id = kernelId ?? (await startKernel());
      const watched = await connectTo(gateway, id);
      const { connection } = watched;
      try {
        await use(connection, watched.events, watched.untilEvent);
      } finally {
        await connection.close();
        await direct.shutDownKernel(id);
      }
    }

    /** Runs this until an output of `kind` has come. Behind a fault front a request that was lost is sent again. */
    async function runUntil(
      connection: KernelConnection,
      kind: KernelOutput['kind'],
      request: Partial<ExecuteRequest>,
    ): Promise<Watched> {
      for (;;) {
        const running = run(connection, request);
        try {
          await running.until(kind);
          return running;
        } catch (failure) {
          if (!isFaulty) throw failure;
        }
      }
    }

    /** Runs this to its end. Behind a fault front it runs again if it is not known whether it ran. */
    async function runSurely(
      connection: KernelConnection,
      request: Partial<ExecuteRequest>,
    ): Promise<{ running: Watched; end: ExecutionEnd }> {
      for (;;) {
        const running = run(connection, request);
        const end = await running.end;
        if (!isFaulty || end.kind !== 'unknown') return { running, end };
      }
    }

    /** The end is of `kind`. Behind a fault front the kernel's messages may be lost, if the end says so. */
    function expectEnd(end: ExecutionEnd, kind: ExecutionEnd['kind']): void {
      if (isFaulty && end.kind !== kind) {
        expect(['outputLost', 'unknown']).toContain(end.kind);
        expect(end.possibleGap).toBe(true);
      } else expect(end).toMatchObject({ kind });
    }

    /** All of the text has come. Behind a fault front a part in order, without repeats, will do if the end says so. */
    function expectText(running: Watched, end: ExecutionEnd, text: string): void {
      const got = textOf(running.outputs);
      if (!isFaulty || got === text) return expect(got).toBe(text);
      expect(end.possibleGap).toBe(true);
      let from = 0;
      for (const output of running.outputs) {
        if (output.kind !== 'stream') continue;
        // A kernel may send a line in two messages, and one of them may be lost.
        const at = text.indexOf(output.text, from);
        expect(at, `${output.text} after ${text.slice(0, from)}`).toBeGreaterThanOrEqual(from);
        from = at + output.text.length;
      }
    }

    /**
     * An event tells of a new process under the kernel's id. Behind a fault front all its messages may be lost; then the
     * execution count shows it. Code that was sent again may have ended more than one process.
     */
    function expectNewProcess(events: readonly ConnectionEvent[], next: Watched, end: ExecutionEnd): void {
      const told = events.filter((event) => event.kind === 'kernelRestarted').length;
      if (!isFaulty) expect(told).toBe(1);
      else if (told === 0 && !end.possibleGap)
        expect(next.outputs).toContainEqual({ kind: 'counted', executionCount: 1 });
    }

    test('the gateway tells its version, kernelspecs and kernels', async () => {
      expect((await gateway.readInfo()).version).toMatch(/^\d+\.\d+/);
      const specs = await gateway.readKernelspecs();
      expect(specs.list.find((spec) => spec.name === 'python3')).toMatchObject({
        language: 'python',
      });
      await withKernel(async (connection) => {
        const listed = await gateway.listKernels();
        if (listed !== undefined) expect(listed.map((model) => model.id)).toContain(connection.kernelId);
        expect(await gateway.findKernel(connection.kernelId)).toMatchObject({
          id: connection.kernelId,
          name: 'python3',
        });
      });
      expect(await gateway.findKernel(randomUUID())).toBeUndefined();
      await gateway.shutDownKernel(randomUUID());
    });

    test('code runs: outputs come in order, with results, errors, pager, empty code and state', async () => {
      await withKernel(async (connection) => {
        const { running: printing, end: printed } = await runSurely(connection, {
          code: 'import sys\nx = 41\nprint("héllo ✓ 😀")\nx + 1',
        });
        expectEnd(printed, 'ok');
        expectText(printing, printed, 'héllo ✓ 😀\n');
        if (!isFaulty) {
          expect(kindsOf(printing.outputs)).toEqual(['started', 'counted', 'stream', 'result']);
          expect(printed).toMatchObject({
            executionCount: 1,
            possibleGap: false,
            replyMissing: false,
            idleMissing: false,
          });
        }
        const failing = run(connection, { code: 'print("before")\n1/0' });
        expectEnd(await failing.end, 'raised');
        if (!isFaulty) expect(await failing.until('error')).toMatchObject({ name: 'ZeroDivisionError' });
        const asking = run(connection, { code: 'print?' });
        expectEnd(await asking.end, 'ok');
        if (!isFaulty) expect(kindsOf(asking.outputs)).toContain('page');
        expectEnd(await run(connection, { code: '' }).end, 'ok');
        const state = run(connection, { code: 'print(x)' });
        const end = await state.end;
        expectEnd(end, 'ok');
        expectText(state, end, '41\n');
      });
    });

    test('a kernel gets the `env` of its start', async () => {
      const kernelId = await startKernel({ KERNEL_LAB: 'seen' });
      await withKernel(async (connection) => {
        const running = run(connection, {
          code: 'import os; print(os.environ.get("KERNEL_LAB"), os.environ.get("KERNEL_USERNAME"))',
        });
        const end = await running.end;
        expectText(running, end, conformance.takesEnv ? 'seen tester\n' : 'None None\n');
      }, kernelId);
    });

    test('an unknown kernelspec is refused by its name, and so is an unknown kernel', async () => {
      const start = {
        kernelspec: 'no-such-kernel',
        kernelId: randomUUID(),
        env: { KERNEL_USERNAME: 'tester' },
      };
      await expect(direct.startKernel(start)).rejects.toMatchObject({
        code: 'startFailed',
        message: expect.stringContaining('no-such-kernel'),
      });
      await expect(direct.connect(randomUUID(), { sessionId: 's' })).rejects.toMatchObject({
        code: 'kernelGone',
      });
      await expect(direct.restartKernel(randomUUID())).rejects.toMatchObject({ code: 'kernelGone' });
    });

    test('a stop interrupts, and the state stays', async () => {
      await withKernel(async (connection) => {
        expectEnd((await runSurely(connection, { code: 'y = 1' })).end, 'ok');
        const stop = new AbortController();
        const sleeping = await runUntil(connection, 'started', {
          code: 'import time\ntime.sleep(60)',
          signal: stop.signal,
        });
        stop.abort();
        expectEnd(await sleeping.end, 'interrupted');
        expectEnd(await run(connection, { code: 'y' }).end, 'ok');
      });
    });

    test('trap 18: a crash ends the run, and the next run finds a new kernel', async () => {
      await withKernel(async (connection, events) => {
        expectEnd(await run(connection, { code: 'z = 1' }).end, 'ok');
        const { end: crash } = await runSurely(connection, { code: 'import os; os._exit(1)' });
        // Behind a fault front the gateway's `restarting` may be lost. Then only the new process's `starting` tells.
        const isTold = crash.kind === 'kernelDied' || (isFaulty && crash.kind === 'kernelRestarted');
        if (isTold) expect(crash.variablesLost).toBe(true);
        else expectEnd(crash, 'kernelDied');
        const next = run(connection, { code: 'z' });
        const end = await next.end;
        expectEnd(end, 'raised');
        expectNewProcess(events, next, end);
        if (isTold)
          expect(events).toContainEqual({ kind: 'kernelRestarted', automatic: crash.kind === 'kernelDied' });
      });
    });

    test('trap 43: exit() is reported as the end of the kernel’s state', async () => {
      await withKernel(async (connection, events, untilEvent) => {
        const restarted = untilEvent('kernelRestarted');
        const { end: exit } = await runSurely(connection, { code: 'exit()' });
        // Behind a fault front the reply with the exit may be lost. Then the end is the death that follows.
        if (isFaulty && /^kernel(Died|Restarted)$/.test(exit.kind)) expect(exit.variablesLost).toBe(true);
        else expectEnd(exit, 'exited');
        const next = run(connection, { code: '1' });
        const end = await next.end;
        expectEnd(end, 'ok');
        if (!isFaulty) expect(await restarted).toMatchObject({ automatic: true });
        expectNewProcess(events, next, end);
      });
    });

    test('trap 42: a restart while code runs works, also for a kernel that is seconds old', async () => {
      await withKernel(async (connection) => {
        const running = await runUntil(connection, 'stream', { code: ticks.replace('8', '400') });
        await gateway.restartKernel(connection.kernelId);
        expect(await running.end).toMatchObject({ kind: 'kernelRestarted', variablesLost: true });
        expectEnd(await run(connection, { code: 'i' }).end, 'raised');
        expectEnd(await run(connection, { code: '1' }).end, 'ok');
      });
    });

    test('trap 1: a deletion by somebody else in the middle of a run is found', async () => {
      await withKernel(async (connection, events, untilEvent) => {
        const running = await runUntil(connection, 'stream', { code: ticks.replace('8', '400') });
        await direct.shutDownKernel(connection.kernelId);
        const end = await running.end;
        // A deletion begins with an interrupt. Behind a fault front only that may come in time.
        if (isFaulty && end.kind === 'interrupted') await untilEvent('kernelGone');
        else expect(end).toMatchObject({ kind: 'kernelGone', variablesLost: true });
        expect(events.at(-1)).toMatchObject({ kind: 'kernelGone' });
        expect(await run(connection).end).toMatchObject({ kind: 'notSent' });
      });
    });

    test('trap 16: after a cut in the middle of a run the replay is complete, and known to be', async () => {
      await withKernel(async (connection) => {
        const frames: string[] = [];
        front.onPassed = (frame) => void frames.push(frame.toString('latin1'));
        const running = await runUntil(connection, 'stream', { code: ticks });
        front.drop();
        await running.until('reconnected');
        const end = await running.end;
        expectEnd(end, 'ok');
        expectText(running, end, eightTicks);
        // A gateway that takes its kernel for idle asks it on a new websocket. The answer has a number, but we do not get it.
        if (!isFaulty) expect(end.possibleGap).toBe(!isWhole(frames, running.execution.msgId));
      });
    });

    test('a run of an earlier process is resumed by its id', async () => {
      const kernelId = await startKernel();
      const sessionId = randomUUID();
      const before = await gateway.connect(kernelId, { sessionId });
      const written = await runUntil(before, 'stream', { code: ticks });
      const seen = textOf(written.outputs);
      await before.close();
      const after = await gateway.connect(kernelId, { sessionId });
      const resumed = watch(after.resume({ msgId: written.execution.msgId }));
      const end = await resumed.end;
      expectEnd(end, 'ok');
      if (!isFaulty) expect(seen + textOf(resumed.outputs)).toBe(eightTicks);
      await after.close();
      await direct.shutDownKernel(kernelId);
    });

    test('trap 14: output that is lost to another session in between is reported', async () => {
      const kernelId = await startKernel();
      const sessionId = randomUUID();
      const before = await gateway.connect(kernelId, { sessionId });
      const written = await runUntil(before, 'stream', { code: ticks });
      await before.close();
      const other = await direct.connect(kernelId, { sessionId: randomUUID() });
      await other.close();
      const after = await gateway.connect(kernelId, { sessionId });
      const resumed = watch(after.resume({ msgId: written.execution.msgId }));
      expect(['ok', 'outputLost', 'unknown']).toContain((await resumed.end).kind);
      expect((await resumed.end).possibleGap).toBe(true);
      await after.close();
      await direct.shutDownKernel(kernelId);
    });

    // An answer that is sent as the connection breaks is lost without a sign, and the kernel waits for ever.
    test.skipIf(isFaulty)('input is answered, and refused', async () => {
      await withKernel(async (connection) => {
        const request = { code: 'n = input("name? ")\nprint("hi", n)', allowStdin: true };
        const asking = run(connection, request, (output) => {
          if (output.kind === 'inputRequest') output.answer('Ann');
        });
        const end = await asking.end;
        expectEnd(end, 'ok');
        expectText(asking, end, 'hi Ann\n');
        expectEnd(await run(connection, { code: 'input()' }).end, 'raised');
      });
    });

    test('traps 23, 24: a run behind another client is told so, not interrupted and not aborted by its error', async () => {
      await withKernel(async (connection) => {
        const other = await direct.connect(connection.kernelId, { sessionId: randomUUID() });
        const theirs = run(other, { code: 'import time\ntime.sleep(1.5)\n1/0' });
        await theirs.until('counted');
        const ours = run(connection, { code: 'print("ours")' });
        if (!isFaulty) await ours.until('behindOthers');
        expectEnd(await theirs.end, 'raised');
        const end = await ours.end;
        expectEnd(end, 'ok');
        expectText(ours, end, 'ours\n');
        await other.close();
      });
    });

    test('trap 38: a thread’s late output belongs to its own run', async () => {
      await withKernel(async (connection, events, untilEvent) => {
        const code =
          'import threading, time\ndef w():\n    for n in range(5):\n        time.sleep(0.5); print("late", n, flush=True)\nt = threading.Thread(target=w)\nt.start()';
        const late = untilEvent('lateOutput');
        const { running, end } = await runSurely(connection, { code });
        expectEnd(end, 'ok');
        if (!isFaulty)
          return expect(await late).toMatchObject({
            msgId: running.execution.msgId,
            output: { kind: 'stream' },
          });
        // Behind a fault front the run may end after the thread, or a broken connection may lose what the thread prints.
        const waiting = run(connection, { code: 't.join()' });
        const first = await Promise.race([late, waiting.end]);
        if (first.kind === 'lateOutput') expect(first.output.kind).toBe('stream');
        else if (!textOf([...running.outputs, ...waiting.outputs]).includes('late'))
          expect(events.map((event) => event.kind)).toContain('disconnected');
      });
    });

    test('a result of 20 MB arrives in one message', { skip: isFaulty }, async () => {
      await withKernel(async (connection) => {
        const running = run(connection, { code: '"y" * 20_000_000' });
        expect(await running.end).toMatchObject({ kind: 'ok', possibleGap: false });
        const { data } = await running.until('result');
        expect(String(data['text/plain'])).toHaveLength(20_000_002);
      });
    });

    test(
      'a message above the limit is reported, and the kernel stays usable',
      { skip: isFaulty },
      async () => {
        await withKernel(async (connection) => {
          const running = run(connection, { code: '"y" * 40_000_000' });
          const end = await running.end;
          expect(['ok', 'outputLost']).toContain(end.kind);
          expect(end.possibleGap).toBe(true);
          expect(kindsOf(running.outputs).filter((kind) => kind === 'tooBig')).toHaveLength(1);
          expect(await run(connection).end).toMatchObject({ kind: 'ok', possibleGap: false });
        });
      },
    );

    test(
      'trap 29: code up to the server’s limit runs, and longer code is refused',
      { skip: isFaulty },
      async () => {
        await withKernel(async (connection) => {
          expect(await run(connection, { code: `len("${'x'.repeat(9_900_000)}")` }).end).toMatchObject({
            kind: 'ok',
          });
          expect(await run(connection, { code: `len("${'x'.repeat(10_500_000)}")` }).end).toMatchObject({
            kind: 'notSent',
          });
          expect(await run(connection).end).toMatchObject({ kind: 'ok' });
        });
      },
    );

    test('wrong credentials are reported, on REST and on the websocket', { skip: isFaulty }, async () => {
      const { settings } = outerFront ?? server;
      const wrong = createGatewayClient(
        { ...settings, ...(settings.user === undefined ? { token: 'wrong' } : { pass: 'wrong' }) },
        { log: silentLog },
      );
      await expect(wrong.readKernelspecs()).rejects.toMatchObject({ code: 'unauthorized' });
      const start = { kernelspec: 'python3', kernelId: randomUUID(), env: { KERNEL_USERNAME: 'tester' } };
      await expect(wrong.startKernel(start)).rejects.toMatchObject({ code: 'unauthorized' });
      await expect(wrong.connect(randomUUID(), { sessionId: 's' })).rejects.toMatchObject({
        code: 'unauthorized',
      });
      await wrong.close();
    });

    if (isFaulty) {
      test('the faults did happen', () => {
        expect(front.done.drops + front.done.delays + front.done.answers).toBeGreaterThan(0);
      });
    }
  });
}

/** A gateway of the demo or of `backends/` as a server for the suite. */
export async function asConformanceServer(
  starting: Promise<AsyncDisposable & { url: string; token: string }>,
): Promise<ConformanceServer> {
  const started = await starting;
  const settings = settingsFor(
    { httpUrl: started.url, wsUrl: started.url.replace(/^http/, 'ws') },
    { launchTimeoutMs: 120_000, ...(started.token === '' ? {} : { token: started.token }) },
  );
  return { settings, url: started.url, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() };
}
