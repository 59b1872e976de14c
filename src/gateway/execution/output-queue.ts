import type { KernelOutput } from '../outputs.ts';

/**
 * Outputs between the socket and one slow reader. Over `highBytes` it asks for the socket to be paused, under half of
 * that to be resumed, so that memory stays bounded however much a kernel prints.
 */
export interface OutputQueue {
  push(output: KernelOutput): void;
  end(): void;
  /** One reader. Leaving its loop early drops everything that still comes. */
  read(): AsyncIterator<KernelOutput, undefined>;
}

const highBytes = 2 * 2 ** 20;
/** What an output costs beside its texts. */
const overheadBytes = 200;

export function openOutputQueue(onFull: (isFull: boolean) => void): OutputQueue {
  let queued: { output: KernelOutput; bytes: number }[] = [];
  let first = 0;
  let bytes = 0;
  let isFull = false;
  let isEnded = false;
  let isLeft = false;
  let wake: ((result: IteratorResult<KernelOutput, undefined>) => void) | undefined;

  const weigh = () => {
    const wasFull = isFull;
    if (bytes > highBytes) isFull = true;
    else if (bytes < highBytes / 2) isFull = false;
    if (isFull !== wasFull) onFull(isFull);
  };

  const shift = (): KernelOutput | undefined => {
    const next = queued[first];
    if (next === undefined) return undefined;
    first += 1;
    bytes -= next.bytes;
    // Dropped in one go now and then: shifting an array of thousands one by one is slow.
    if (first > 1000 || first === queued.length) {
      queued = queued.slice(first);
      first = 0;
    }
    weigh();
    return next.output;
  };

  const done = { done: true, value: undefined } as const;

  return {
    push(output) {
      if (isLeft || isEnded) return;
      if (wake !== undefined) {
        const resolve = wake;
        wake = undefined;
        resolve({ done: false, value: output });
        return;
      }
      const size = overheadBytes + weight(output);
      queued.push({ output, bytes: size });
      bytes += size;
      weigh();
    },
    end() {
      isEnded = true;
      wake?.(done);
      wake = undefined;
    },
    read: () => ({
      next: () => {
        const output = shift();
        if (output !== undefined) return Promise.resolve({ done: false, value: output });
        if (isEnded || isLeft) return Promise.resolve(done);
        return new Promise((resolve) => {
          wake = resolve;
        });
      },
      return: () => {
        isLeft = true;
        queued = [];
        first = 0;
        bytes = 0;
        weigh();
        return Promise.resolve(done);
      },
    }),
  };
}

/** Texts in UTF-16 units doubled at most: near enough to bytes to bound memory. */
function weight(output: KernelOutput): number {
  if (output.kind === 'stream') return output.text.length;
  if ('data' in output)
    return Object.values(output.data).reduce<number>((sum, part) => sum + partWeight(part), 0);
  return output.kind === 'error'
    ? output.traceback.reduce((sum, line) => sum + line.length, output.value.length)
    : 0;
}

function partWeight(part: unknown): number {
  return typeof part === 'string' ? part.length : (JSON.stringify(part)?.length ?? 0);
}
