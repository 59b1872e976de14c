import { EventEmitter, once } from 'node:events';
import type { ScriptedGateway, ScriptedKernel, ScriptMessage } from './scripted-gateway.ts';

/** A snippet that a kernel runs. It has printed "<code> begins" and goes on when the test says so. */
export interface HeldRun {
  readonly code: string;
  readonly kernel: ScriptedKernel;
  print(text: string): void;
  /** Prints "<code> ends" and ends it. */
  end(): void;
  /** Ends it with this error. */
  fail(error: { ename: string; evalue: string; traceback: string[] }): void;
}

/** Kernels that run one snippet after the other, each until the test ends it. */
export interface HeldKernels {
  /** All snippets that have begun, in order. */
  readonly begun: readonly HeldRun[];
  /** Resolves with the run once it has begun. */
  untilBegun(code: string): Promise<HeldRun>;
  /** From now on snippets end at once. */
  letRun(): void;
}

export function holdKernels(gateway: ScriptedGateway): HeldKernels {
  const begun: HeldRun[] = [];
  const events = new EventEmitter().setMaxListeners(0);
  let isHolding = true;

  const begin = (request: ScriptMessage, kernel: ScriptedKernel, count: number): Promise<void> => {
    const code = String(request.content['code']);
    const { promise, resolve } = Promise.withResolvers<void>();
    const run: HeldRun = {
      code,
      kernel,
      print: (text) => kernel.stream(request, text),
      end() {
        kernel.stream(request, `${code} ends\n`);
        kernel.end(request, { execution_count: count });
        resolve();
      },
      fail(error) {
        kernel.send('error', error, { parent: request });
        kernel.end(request, { status: 'error', ...error, execution_count: count });
        resolve();
      },
    };
    kernel.begin(request, count);
    run.print(`${code} begins\n`);
    begun.push(run);
    events.emit('begun');
    if (!isHolding) run.end();
    return promise;
  };

  gateway.onStart = (kernel) => {
    let last = Promise.resolve();
    let count = 0;
    kernel.onExecute = (request) => {
      last = last.then(() => begin(request, kernel, (count += 1)));
    };
  };
  return {
    begun,
    async untilBegun(code) {
      for (;;) {
        const found = begun.find((run) => run.code === code);
        if (found !== undefined) return found;
        await once(events, 'begun');
      }
    },
    letRun() {
      isHolding = false;
      for (const run of begun) run.end();
    },
  };
}
