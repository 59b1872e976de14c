import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { parseJson } from '../../src/text.ts';
import type { ScriptedKernel, ScriptMessage } from './scripted-gateway.ts';

/** Longer than the quick timings, because many worlds share the processor. */
export const patientTimings = {
  silenceMs: 400,
  graceMs: 300,
  idleGraceMs: 300,
  staleMs: 400,
  firstLookMs: 120,
  settleMs: 300,
  callMs: 1_000,
  lookTimeoutMs: 800,
  busyPingMs: 150,
};

/** What a cell does: it prints how many pauses it has made, and then ends. One that `ignores` an interrupt goes on. */
const cellSchema = z.object({
  pausesMs: z.array(z.number()),
  ends: z.enum(['ok', 'raised', 'asks', 'ignores']),
  /** What it prints begins with this. */
  number: z.number().optional(),
  /** How many lines each of its prints has. */
  lines: z.number().optional(),
  /** Cells of one queue may never run at the same time. */
  queue: z.string().optional(),
});
export type Cell = z.infer<typeof cellSchema>;

/** What the kernels have done with one cell. */
export interface Done {
  code: string;
  /** How often it was received. */
  times: number;
  kernel: ScriptedKernel;
  /** The number of the kernel's process that received it. */
  process: number;
  printed: string;
  end?: 'ok' | 'raised' | 'interrupted';
}

/** Kernels that run one cell after the other and note what they have done. The code of a cell is the cell as JSON. */
export class BusyKernels {
  /** By code, in the order in which they came. */
  readonly done = new Map<string, Done>();
  /** Cells of one queue that ran at the same time. */
  readonly overlaps: string[] = [];
  readonly #implementation: string;
  readonly #processes = new Map<ScriptedKernel, number>();
  readonly #counts = new Map<ScriptedKernel, number>();
  readonly #last = new Map<ScriptedKernel, Promise<void>>();
  readonly #running = new Map<ScriptedKernel, { done: Done; interrupted: AbortController }>();

  constructor(implementation: string) {
    this.#implementation = implementation;
  }

  teach(kernel: ScriptedKernel): void {
    kernel.executionState = 'idle';
    kernel.implementation = this.#implementation;
    if (this.#implementation !== 'ipython') kernel.nextId = () => crypto.randomUUID();
    kernel.onExecute = (request) => this.#add(kernel, request);
    // IRkernel answers with the next count (protocol.md §3.12).
    const ahead = this.#implementation === 'IRkernel' ? 1 : 0;
    kernel.onProof = (request) =>
      this.#after(kernel, () => kernel.prove(request, (this.#counts.get(kernel) ?? 0) + ahead));
    kernel.onInterrupt = () => this.#running.get(kernel)?.interrupted.abort();
    kernel.onRestart = () => void this.replace(kernel, 20);
  }

  /** The number of the process that the kernel has now. */
  processOf(kernel: ScriptedKernel): number {
    return this.#processes.get(kernel) ?? 1;
  }

  /** The process dies, and the gateway starts another. */
  async crash(kernel: ScriptedKernel, ms: number): Promise<void> {
    if (kernel.sockets.size > 0) kernel.status('restarting');
    await this.replace(kernel, ms);
  }

  /** A new process comes up after `ms`, and runs what is sent meanwhile. */
  async replace(kernel: ScriptedKernel, ms: number): Promise<void> {
    const process = this.processOf(kernel) + 1;
    this.#processes.set(kernel, process);
    this.#counts.set(kernel, 0);
    kernel.answersInfo = false;
    const last = delay(ms).then(() => {
      if (kernel.isDeleted || process !== this.processOf(kernel)) return;
      kernel.answersInfo = true;
      kernel.executionState = 'starting';
      kernel.comeUp();
    });
    this.#last.set(kernel, last);
    await last;
  }

  #after(kernel: ScriptedKernel, work: () => Promise<void> | void): void {
    const process = this.processOf(kernel);
    const last = this.#last.get(kernel) ?? Promise.resolve();
    this.#last.set(
      kernel,
      last.then(() => (process === this.processOf(kernel) ? work() : undefined)),
    );
  }

  #add(kernel: ScriptedKernel, request: ScriptMessage): void {
    const code = String(request.content['code']);
    const process = this.processOf(kernel);
    const done = this.done.get(code) ?? { code, times: 0, kernel, process, printed: '' };
    // The same code may run again, in another kernel.
    Object.assign(done, { kernel, process, times: done.times + 1 });
    this.done.set(code, done);
    this.#after(kernel, async () => {
      if (kernel.isDeleted) return;
      const interrupted = new AbortController();
      this.#noteOverlaps(code);
      const running = { done, interrupted };
      this.#running.set(kernel, running);
      await this.#run(kernel, request, done, interrupted.signal);
      // By now the next process may be running another.
      if (this.#running.get(kernel) === running) this.#running.delete(kernel);
    });
  }

  #noteOverlaps(code: string): void {
    const { queue } = readCell(code);
    for (const [kernel, { done }] of this.#running) {
      const isOver = kernel.isDeleted || done.process !== this.processOf(kernel);
      if (!isOver && queue !== undefined && readCell(done.code).queue === queue)
        this.overlaps.push(`${code} beside ${done.code}`);
    }
  }

  async #run(
    kernel: ScriptedKernel,
    request: ScriptMessage,
    done: Done,
    interrupted: AbortSignal,
  ): Promise<void> {
    const { pausesMs, ends, number = '', lines } = readCell(done.code);
    const { process } = done;
    const isOver = () => process !== this.processOf(kernel) || kernel.isDeleted;
    const isInterrupted = () => interrupted.aborted && ends !== 'ignores';
    const until = { signal: ends === 'ignores' ? undefined : interrupted };
    const count = (this.#counts.get(kernel) ?? 0) + 1;
    this.#counts.set(kernel, count);
    kernel.begin(request, count);
    for (const [index, ms] of pausesMs.entries()) {
      await delay(ms, undefined, until).catch(() => undefined);
      if (isOver()) return;
      if (isInterrupted()) break;
      const piece = `${number}:${index},`;
      const text = lines === undefined ? piece : `${piece}\n`.repeat(lines);
      done.printed += text;
      kernel.stream(request, text);
    }
    if (ends === 'asks' && !isInterrupted()) {
      const replies = () => kernel.received.filter(({ header }) => header.msg_type === 'input_reply').length;
      const before = replies();
      kernel.send('input_request', { prompt: '?', password: false }, { parent: request, channel: 'stdin' });
      while (replies() === before && !isInterrupted() && !isOver()) await delay(5);
      if (isOver()) return;
    }
    done.end = isInterrupted() ? 'interrupted' : ends === 'raised' ? 'raised' : 'ok';
    const error = { ename: isInterrupted() ? 'KeyboardInterrupt' : 'E', evalue: 'e', traceback: [] };
    if (done.end !== 'ok') kernel.send('error', error, { parent: request });
    kernel.end(request, {
      execution_count: count,
      ...(done.end === 'ok' ? {} : { status: 'error', ...error }),
    });
  }
}

function readCell(code: string): Cell {
  return cellSchema.parse(parseJson(code));
}
