import { ExecutionQueue } from '../../src/gateway/connection/execution-queue.ts';
import type { LifecycleEvent } from '../../src/gateway/connection/lifecycle-state.ts';
import { Lifecycle } from '../../src/gateway/connection/lifecycle.ts';
import { Router } from '../../src/gateway/connection/router.ts';
import type { ExecutionEvent, ExecutionKernel } from '../../src/gateway/execution/ending.ts';
import { RunningExecution } from '../../src/gateway/execution/execution.ts';
import { Interrupts } from '../../src/gateway/execution/interrupt.ts';
import type { KernelModel, Log } from '../../src/gateway/gateway.ts';
import { readEndpoints } from '../../src/gateway/http/endpoints.ts';
import type { KernelOutput, Output } from '../../src/gateway/outputs.ts';
import type { KernelMessage } from '../../src/gateway/protocol/wire.ts';
import { ReconnectingSocket } from '../../src/gateway/socket/reconnecting-socket.ts';
import { silentLog } from '../../src/log.ts';
import { quickTimings, settingsFor } from './gateway-client.ts';

/** The parts of a connection, each by itself and without a network. */
export function createParts({
  model,
  isFresh = false,
  mayWrite = () => true,
  log = silentLog,
}: { model?: KernelModel | undefined; isFresh?: boolean; mayWrite?: () => boolean; log?: Log } = {}) {
  const settings = settingsFor({ httpUrl: 'http://127.0.0.1:9', wsUrl: 'ws://127.0.0.1:9' });
  const endpoints = readEndpoints(settings, undefined);
  const calls = { findKernel: 0 };
  const findKernel = () => {
    calls.findKernel += 1;
    return Promise.resolve(model);
  };
  const options = {
    settings,
    endpoints,
    timings: quickTimings,
    kernelId: 'k',
    sessionId: 'ours',
    findKernel,
    mayWrite,
  };
  const events: LifecycleEvent[] = [];
  const late: { msgId: string; output: Output }[] = [];
  const socket = new ReconnectingSocket(options, isFresh, log, () => undefined);
  const lifecycle = new Lifecycle(options, isFresh, socket, (event) => void events.push(event));
  const interrupts = new Interrupts(() => Promise.resolve(true), quickTimings.interruptGapMs, log);
  const queue = new ExecutionQueue(options, socket, lifecycle, interrupts);
  const onLate = (msgId: string, output: Output) => void late.push({ msgId, output });
  const router = new Router(options, undefined, queue, lifecycle, log, () => undefined, onLate);
  return { options, calls, events, late, socket, lifecycle, interrupts, queue, router };
}

export interface LoneExecution {
  execution: RunningExecution;
  events: ExecutionEvent[];
  interrupts: { isWanted: () => boolean; onSend: () => void }[];
  /** All its outputs. To be called once it has ended. */
  outputs: () => Promise<KernelOutput[]>;
}

/** An execution without a kernel. */
export function createExecution(
  kernel: Partial<ExecutionKernel> = {},
  request: { msgId?: string; allowStdin?: boolean; signal?: AbortSignal } = {},
  onEvent: (execution: RunningExecution) => void = () => undefined,
): LoneExecution {
  const events: ExecutionEvent[] = [];
  const interrupts: LoneExecution['interrupts'] = [];
  const execution = new RunningExecution(
    { msgId: 'e', code: '1', allowStdin: false, ...request },
    {
      sessionId: 'ours',
      timings: quickTimings,
      sendsLateOutput: () => false,
      received: { isWhole: false, soFar: () => undefined },
      mayEnd: () => true,
      isSteady: () => Promise.resolve(true),
      answerInput: () => undefined,
      interrupt(wanted) {
        interrupts.push(wanted);
        return Promise.resolve(true);
      },
      ...kernel,
    },
    (each, event) => {
      events.push(event);
      onEvent(each);
    },
  );
  const outputs = async () => {
    const all: KernelOutput[] = [];
    for await (const output of execution) all.push(output);
    return all;
  };
  return { execution, events, interrupts, outputs };
}

/** A message of the kernel, by default of execution `e`. */
export function kernelMessage(
  type: string,
  content: Record<string, unknown> = {},
  more: Partial<KernelMessage> = {},
): KernelMessage {
  return {
    channel: 'iopub',
    type,
    msgId: crypto.randomUUID(),
    session: 'kernel',
    header: {},
    parentId: 'e',
    parentType: 'execute_request',
    parentSession: 'ours',
    content,
    bytes: 100,
    ...more,
  };
}

/** The same as a frame of a websocket. */
export function frameOf({ channel, type, msgId, session, content, ...parent }: KernelMessage): Buffer {
  return Buffer.from(
    JSON.stringify({
      channel,
      header: { msg_id: msgId, msg_type: type, session },
      parent_header:
        parent.parentId === ''
          ? {}
          : { msg_id: parent.parentId, msg_type: parent.parentType, session: parent.parentSession },
      content,
    }),
  );
}
