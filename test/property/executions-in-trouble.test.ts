import { setTimeout as delay } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { quickTimings, run, startConnectedRig, textOf } from '../support/gateway-client.ts';
import type { ScriptedKernel, ScriptMessage } from '../support/scripted-gateway.ts';

/**
 * Executions while websockets break, proxies answer with pages, and the kernel dies, restarts or is deleted: whatever is
 * said of one is what the kernel did with it, and each of them ends.
 */

const ACTS = [
  'drop',
  'hangUp',
  'crash',
  'restart',
  'delete',
  'forget',
  '404',
  '500',
  '502',
  'hang',
  'reset',
] as const;

const plans = fc.record({
  implementation: fc.constantFrom('ipython', 'xpython', 'IRkernel'),
  cells: fc.array(fc.record({ pausesMs: fc.array(fc.nat(60), { maxLength: 5 }), isFailing: fc.boolean() }), {
    minLength: 3,
    maxLength: 5,
  }),
  trouble: fc.array(
    fc.record({
      afterMs: fc.nat(250),
      act: fc.constantFrom(...ACTS),
      forMs: fc.nat(400),
      upgrades: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});
type Plan = typeof plans extends fc.Arbitrary<infer P> ? P : never;

interface Done {
  times: number;
  /** The process that received it. */
  process: number;
  printed: string;
  end?: 'ok' | 'raised';
}

/** Runs the plan's cells one after the other, as a kernel does, and notes what it has done. */
class Cells {
  readonly done = new Map<string, Done>();
  processes = 1;
  readonly #kernel: ScriptedKernel;
  readonly #cells: Plan['cells'];
  #last = Promise.resolve();

  constructor(kernel: ScriptedKernel, { cells, implementation }: Plan) {
    this.#kernel = kernel;
    this.#cells = cells;
    kernel.implementation = implementation;
    if (implementation !== 'ipython') kernel.nextId = () => crypto.randomUUID();
    kernel.onExecute = (request) => this.#add(request);
    // IRkernel answers with the next count (protocol.md §3.12).
    const ahead = implementation === 'IRkernel' ? 1 : 0;
    kernel.onProof = (request) => this.#after(() => kernel.prove(request, this.done.size + ahead));
  }

  /** A new process comes up after `ms`, and runs what is sent meanwhile. */
  async replace(ms: number): Promise<void> {
    const kernel = this.#kernel;
    this.processes += 1;
    kernel.answersInfo = false;
    const comeUp = () => {
      if (kernel.isDeleted) return;
      kernel.answersInfo = true;
      kernel.executionState = 'starting';
      kernel.comeUp();
    };
    this.#last = delay(ms).then(comeUp);
    await this.#last;
  }

  #after(work: () => Promise<void> | void): void {
    const process = this.processes;
    this.#last = this.#last.then(() => (process === this.processes ? work() : undefined));
  }

  #add(request: ScriptMessage): void {
    const id = request.header.msg_id;
    const done = this.done.get(id) ?? { times: 0, process: this.processes, printed: '' };
    done.times += 1;
    this.done.set(id, done);
    this.#after(() => this.#run(request, done));
  }

  async #run(request: ScriptMessage, done: Done): Promise<void> {
    const { processes } = this;
    const isOver = () => processes !== this.processes || this.#kernel.isDeleted;
    const { pausesMs, isFailing } = this.#cells[Number(request.content['code'])] ?? {
      pausesMs: [],
      isFailing: false,
    };
    this.#kernel.begin(request, this.done.size);
    for (const [index, ms] of pausesMs.entries()) {
      await delay(ms);
      if (isOver()) return;
      done.printed += `${index},`;
      this.#kernel.stream(request, `${index},`);
    }
    const error = { ename: 'E', evalue: 'e', traceback: [] };
    if (isFailing) this.#kernel.send('error', error, { parent: request });
    done.end = isFailing ? 'raised' : 'ok';
    this.#kernel.end(request, {
      execution_count: this.done.size,
      ...(isFailing ? { status: 'error', ...error } : {}),
    });
  }
}

/** What is wrong in this world; empty if nothing is. */
async function faultsIn(plan: Plan): Promise<string[]> {
  const doubled = {
    silenceMs: 400,
    graceMs: 300,
    idleGraceMs: 300,
    staleMs: 400,
    firstLookMs: 120,
    settleMs: 300,
  };
  await using rig = await startConnectedRig({
    timings: { ...quickTimings, ...doubled, callMs: 1_000, lookTimeoutMs: 800, busyPingMs: 150 },
    prepare: (kernel) => (kernel.executionState = 'idle'),
  });
  const { kernel, server, connection } = rig;
  const cells = new Cells(kernel, plan);
  const acts: Record<string, (ms: number) => Promise<void> | void> = {
    drop: () => kernel.drop(),
    hangUp: () => kernel.hangUp(1011),
    crash: (ms) => {
      if (kernel.sockets.size > 0) kernel.status('restarting');
      return cells.replace(ms);
    },
    restart: (ms) => cells.replace(ms),
    delete: () => void (kernel.isDeleted = true),
    forget: () => {
      kernel.isDeleted = true;
      kernel.drop();
    },
  };
  async function makeTrouble(): Promise<void> {
    for (const { afterMs, act, forMs, upgrades } of plan.trouble) {
      await delay(afterMs);
      if (act in acts) {
        await acts[act]?.(forMs);
        continue;
      }
      server.answer = ({ isUpgrade }) => {
        // An upgrade without an answer is waited for as long as a kernel's start.
        if (isUpgrade && (!upgrades || act === 'hang')) return undefined;
        return act === 'hang' || act === 'reset' ? act : { status: Number(act), body: '<html>page</html>' };
      };
      await delay(forMs);
      server.answer = () => undefined;
    }
  }
  const trouble = makeTrouble();
  const faults: string[] = [];
  for (const code of plan.cells.keys()) {
    const running = run(connection, { code: `${code}` });
    const end = await running.end;
    const done = cells.done.get(running.execution.msgId);
    const text = textOf(running.outputs);
    const isWrong = {
      twice: (done?.times ?? 0) > 1,
      end: (end.kind === 'ok' || end.kind === 'raised') && end.kind !== done?.end,
      sent: end.kind === 'notSent' && done !== undefined,
      gone: end.kind === 'kernelGone' && !kernel.isDeleted,
      replaced:
        /^kernel(?:Died|Restarted)$/.test(end.kind) &&
        cells.processes === (done?.process ?? 1) &&
        (cells.processes === 1 || !end.possibleGap),
      output:
        end.possibleGap || end.kind !== done?.end
          ? !(done?.printed ?? '').includes(text[0] ?? '')
          : text !== done.printed,
    };
    faults.push(
      ...Object.entries(isWrong).flatMap(([what, is]) => (is ? [`${code}, ${end.kind}: ${what}`] : [])),
    );
    if (end.kind === 'kernelGone') break;
  }
  await trouble;
  return faults;
}

test('whatever happens around it, an execution ends, and as its kernel ended it', async () => {
  const some = fc.sample(plans, 24);
  const found = await Promise.all(some.map(async (plan) => ({ plan, faults: await faultsIn(plan) })));
  expect(found.filter(({ faults }) => faults.length > 0)).toEqual([]);
});
