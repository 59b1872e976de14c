import { randomUUID } from 'node:crypto';
import type { KernelMessage, OutgoingMessage } from './wire.ts';

/** What we send to kernels besides kernel_info_request; pure but for the fresh message ids. */

/** All six fields: ipykernel 5 and Toree give no good answer without them (protocol.md §4, lab.md §4). */
export function executeRequest(
  session: string,
  msgId: string,
  { code, allowStdin, silent = false }: { code: string; allowStdin: boolean; silent?: boolean },
): OutgoingMessage {
  return {
    channel: 'shell',
    type: 'execute_request',
    msgId,
    session,
    content: {
      code,
      silent,
      store_history: !silent,
      user_expressions: {},
      allow_stdin: allowStdin,
      // One snippet's error must not abort what others have queued (protocol.md §3.5).
      stop_on_error: false,
    },
  };
}

/** `request` is the kernel's input_request, whose header the reply carries as its parent; undefined when it is not known. */
export function inputReply(
  session: string,
  request: KernelMessage | undefined,
  value: string,
): OutgoingMessage {
  const content = { status: 'ok', value };
  return {
    channel: 'stdin',
    type: 'input_reply',
    msgId: randomUUID(),
    session,
    ...(request === undefined ? {} : { parent: request.header }),
    content,
  };
}

export function interruptRequest(session: string): OutgoingMessage {
  return { channel: 'control', type: 'interrupt_request', msgId: randomUUID(), session, content: {} };
}
