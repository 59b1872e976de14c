import { randomUUID } from 'node:crypto';
import type { Output } from '../../../gateway/outputs.ts';
import type { LiveRun } from './live-run.ts';

/** A kernel that a stop did not wake from its input request (IRkernel reads on) gets an empty line after this. */
const RELEASE_MS = 3_000;

/**
 * Asks the requester for the line that the kernel waits for. Unanswered for `inputTimeoutMs` the run is stopped; a run
 * that is stopped for any reason leaves no kernel waiting.
 */
export function askInput(
  live: LiveRun,
  request: Output & { kind: 'inputRequest' },
  inputTimeoutMs: number,
): void {
  if (request.refused) return;
  const { id = randomUUID(), prompt, password } = request;
  const timeout = setTimeout(() => live.stop({ kind: 'inputTimeout' }), inputTimeoutMs);
  let release: NodeJS.Timeout | undefined;
  let isAnswered = false;
  const releaseSoon = (): void => {
    clearTimeout(timeout);
    release = setTimeout(() => request.answer(''), RELEASE_MS);
  };
  live.openPrompt({
    id,
    answer(input) {
      if (isAnswered) return false;
      isAnswered = true;
      live.closePrompt();
      live.showRunning();
      request.answer(input);
      live.note({ data: { inputRequest: undefined } });
      return true;
    },
    close() {
      clearTimeout(timeout);
      clearTimeout(release);
      live.signal.removeEventListener('abort', releaseSoon);
    },
  });
  if (live.signal.aborted) return releaseSoon();
  live.signal.addEventListener('abort', releaseSoon, { once: true });
  // Written at once: a successor asks only what the store has.
  live.commit({ data: { inputRequest: { id, prompt, password } } }).catch(() => undefined);
  live.show({ kind: 'inputAsked', sinceMs: Date.now(), prompt, password });
}
