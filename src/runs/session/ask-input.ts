import { randomUUID } from 'node:crypto';
import type { Output } from '../../gateway/outputs.ts';
import type { ActiveRun } from './active-run.ts';

/** A kernel that a stop did not wake from its question (IRkernel reads on) gets an empty line after this. */
const RELEASE_MS = 3_000;

/** Gives the kernel the line it asked for. False when that question is over, or not asked by this process. */
export async function answerQuestion(
  active: ActiveRun | undefined,
  questionId: string,
  line: string,
): Promise<boolean> {
  const question = active?.question;
  if (question?.id !== questionId) return false;
  await question.answer(line);
  return true;
}

/**
 * Asks the runner for the line that the kernel waits for. Unanswered for `inputTimeoutMs` the run is stopped; a run that
 * is stopped for any reason leaves no kernel waiting. What is typed goes to the kernel and nowhere else.
 */
export async function askInput(
  active: ActiveRun,
  request: Output & { kind: 'inputRequest' },
  inputTimeoutMs: number,
): Promise<void> {
  if (request.refused) return;
  active.question?.close();
  const { id = randomUUID(), prompt, password } = request;
  const asked = { id, prompt, password };
  const timeout = setTimeout(() => active.stop({ kind: 'inputTimeout' }), inputTimeoutMs);
  let release: NodeJS.Timeout | undefined;
  const releaseSoon = (): void => {
    clearTimeout(timeout);
    release = setTimeout(() => request.answer(''), RELEASE_MS);
  };
  const close = (): void => {
    clearTimeout(timeout);
    clearTimeout(release);
    active.signal.removeEventListener('abort', releaseSoon);
    active.question = undefined;
  };
  const showRunning = (): void => {
    close();
    const sinceMs = active.run.data.startedAt ?? Date.now();
    active.show({ kind: 'running', sinceMs, stopping: active.signal.aborted, stopIgnored: false });
  };
  active.question = {
    id,
    close,
    async answer(line) {
      showRunning();
      request.answer(line);
      await active.change({}, { asked: undefined });
    },
  };
  if (active.signal.aborted) return releaseSoon();
  active.signal.addEventListener('abort', releaseSoon, { once: true });
  await active.change({}, { asked });
  if (active.question?.id === id && !active.signal.aborted)
    active.show({ kind: 'inputAsked', sinceMs: Date.now(), prompt, password });
}
