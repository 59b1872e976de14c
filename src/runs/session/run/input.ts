import { randomUUID } from 'node:crypto';
import type { Output } from '../../../gateway/outputs.ts';
import type { LiveRun } from './live-run.ts';

/** A kernel that a stop did not wake from its input request (IRkernel reads on) gets an empty line after this. */
const RELEASE_MS = 3_000;
/** A debugger answers an interrupt with its next prompt; these leave it: pdb and ipdb, also in themselves, and R's browser. */
const WAYS_OUT: readonly [prompt: RegExp, line: string][] = [
  [/(?:^|\n)\(*(?:i?pdb|Pdb)(?:\+\+)?(?:\)+|>) ?$/, 'q'],
  [/(?:^|\n)Browse\[\d{1,4}\]> ?$/, 'Q'],
];
/** Of a longer prompt (a menu) the end asks; the store and the screen get no more. */
const MAX_PROMPT_CHARS = 4_000;

/**
 * Asks the requester for the line that the kernel waits for. Unanswered for `inputTimeoutMs` the run is stopped; a run
 * that is stopped for any reason leaves no kernel waiting. `echo` takes what a terminal would show of it: the question
 * and what was typed, but no password.
 */
export function askInput(
  live: LiveRun,
  request: Output & { kind: 'inputRequest' },
  inputTimeoutMs: number,
  echo: (text: string) => void,
): void {
  if (request.refused) return;
  const { id = randomUUID(), password } = request;
  const prompt = request.prompt.slice(-MAX_PROMPT_CHARS).toWellFormed();
  const timeout = setTimeout(() => live.stop({ kind: 'inputTimeout' }), inputTimeoutMs);
  let release: NodeJS.Timeout | undefined;
  let isAnswered = false;
  const [, wayOut] = WAYS_OUT.find(([form]) => form.test(prompt)) ?? [];
  const releaseIn = (ms: number): void => {
    clearTimeout(timeout);
    release = setTimeout(() => request.answer(wayOut ?? ''), ms);
  };
  const stopAsking = (): void => {
    echo(`${request.prompt}\n`);
    releaseIn(RELEASE_MS);
  };
  live.openPrompt({
    id,
    answer(input) {
      if (isAnswered) return false;
      isAnswered = true;
      live.closePrompt();
      echo(`${request.prompt}${password ? '' : input}\n`);
      live.showRunning();
      request.answer(input);
      live.note({ data: { inputRequest: undefined } });
      return true;
    },
    close() {
      clearTimeout(timeout);
      clearTimeout(release);
      live.signal.removeEventListener('abort', stopAsking);
    },
  });
  if (live.signal.aborted) return releaseIn(wayOut === undefined ? RELEASE_MS : 0);
  live.signal.addEventListener('abort', stopAsking, { once: true });
  // Written at once: a successor asks only what the store has.
  live.commit({ data: { inputRequest: { id, prompt, password } } }).catch(() => undefined);
  const sinceMs = Date.now();
  live.show({ kind: 'inputAsked', sinceMs, untilMs: sinceMs + inputTimeoutMs, prompt, password });
}
