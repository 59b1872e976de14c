import { randomUUID } from 'node:crypto';
import type { KernelConnection } from '../../gateway/gateway.ts';

/** So much of what a kernel says is kept, and so much of it told. */
const KEPT_CHARS = 10_000;
const TOLD_CHARS = 300;

/** Code with one right answer. */
export interface Question {
  /** As it is told. */
  name: string;
  code: string;
  answer: string;
}

/**
 * Undefined when the kernel gave the answer; else what happened, in a sentence. `signal` gives it up: the kernel is
 * interrupted, and one that does not heed that is left at it.
 */
export async function askKernel(
  connection: KernelConnection,
  { name, code, answer }: Question,
  signal: AbortSignal,
): Promise<string | undefined> {
  const execution = connection.execute({ msgId: randomUUID(), code, allowStdin: false, signal });
  let said = '';
  let log = '';
  let error: string | undefined;
  for await (const output of execution) {
    if (output.kind === 'stopIgnored') return `${name} did not end in time, and does not heed a stop.`;
    if (output.kind === 'error') error = `${output.name}: ${output.value}`;
    if (output.kind === 'result' || output.kind === 'display')
      said = keep(said, ` ${String(output.data['text/plain'])}`);
    if (output.kind !== 'stream') continue;
    if (output.name === 'stdout') said = keep(said, output.text);
    else log = keep(log, output.text);
  }
  const { kind, detail } = await execution.end;
  const words = onOneLine(error ?? `${said} ${log}`);
  if (signal.aborted && kind === 'interrupted') return `${name} did not end in time.`;
  if (kind !== 'ok') return `${name} ended as ${kind}${detail === undefined ? '' : ` (${detail})`}: ${words}`;
  return said.includes(answer) ? undefined : `${name} gave no ${answer} but “${words}”.`;
}

function keep(text: string, more: string): string {
  return `${text}${more.slice(0, KEPT_CHARS - text.length)}`;
}

/** On one line of a terminal. */
function onOneLine(text: string): string {
  return text
    .slice(0, KEPT_CHARS)
    .replaceAll(/[\s\p{C}]+/gu, ' ')
    .trim()
    .slice(0, TOLD_CHARS);
}
