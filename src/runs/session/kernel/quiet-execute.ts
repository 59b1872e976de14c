import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { KernelConnection } from '../../../gateway/gateway.ts';
import type { ExecutionEndKind, Output } from '../../../gateway/outputs.ts';

/** Beyond its time-out a request is interrupted where it runs; one that still waits is not waited for. */
const MERCY_MS = 500;
/** What it says is ours: there is little of it. */
const MOST_COMMS = 10;

export interface QuietEnd {
  kind: ExecutionEndKind | 'unanswered';
  comms: readonly (Output & { kind: 'comm' })[];
}

/** Runs code of our own between two runs: not counted, not in the history, and what it prints is dropped. Never rejects. */
export async function executeQuietly(
  connection: KernelConnection,
  code: string,
  timeoutMs: number,
): Promise<QuietEnd> {
  const timeout = new AbortController();
  const clock = setTimeout(() => timeout.abort(), timeoutMs).unref();
  const late = new AbortController();
  const comms: (Output & { kind: 'comm' })[] = [];
  const read = async (): Promise<QuietEnd['kind']> => {
    const execution = connection.execute({
      msgId: randomUUID(),
      code,
      silent: true,
      allowStdin: false,
      signal: timeout.signal,
    });
    for await (const said of execution)
      if (said.kind === 'comm' && comms.length < MOST_COMMS) comms.push(said);
    return execution.checkpoint === undefined ? (await execution.end).kind : 'unanswered';
  };
  const unanswered = delay(timeoutMs + MERCY_MS, 'unanswered' as const, { ref: false, signal: late.signal });
  const kind = await Promise.race([read(), unanswered]);
  clearTimeout(clock);
  late.abort();
  unanswered.catch(() => undefined);
  return { kind, comms };
}
