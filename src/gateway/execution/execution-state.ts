import type { ExecutionEnd, ExecutionEndKind, KernelOutput, Output } from '../outputs.ts';
import {
  type ExecuteReply,
  isBusy,
  readDropNotice,
  readExecuteReply,
  readExecutionCount,
  readOutput,
  splitId,
} from '../protocol/messages.ts';
import type { KernelMessage } from '../protocol/wire.ts';
import type { GatewayTimings } from '../timings.ts';

/**
 * The state of an execution according to its messages; pure. Reply and idle come in any order and each may be lost
 * (protocol.md §3).
 */
export interface ExecutionState {
  started: boolean;
  /** The process that began it, if the kernel's messages identify it. */
  process: string;
  /** A busy or execute_input has arrived, not only a reply. */
  ran: boolean;
  reply: ExecuteReply | undefined;
  idle: boolean;
  /** The name in the `error` message, if one came. */
  errorName: string | undefined;
  executionCount: number | undefined;
  /** The last part of stderr. */
  printed: string;
  /** This client has interrupted it. */
  stopped: boolean;
  possibleGap: boolean;
}

export const FRESH_EXECUTION: ExecutionState = {
  started: false,
  process: '',
  ran: false,
  reply: undefined,
  idle: false,
  errorName: undefined,
  executionCount: undefined,
  printed: '',
  stopped: false,
  possibleGap: false,
};

export interface Step {
  state: ExecutionState;
  outputs: KernelOutput[];
}

/** Applies a message of this execution. `sessionId` is ours, which the gateway's own notices carry too. */
export function takeMessage(before: ExecutionState, message: KernelMessage, sessionId: string): Step {
  if (!before.started) {
    const step = takeMessage({ ...before, started: true }, message, sessionId);
    return { state: step.state, outputs: [{ kind: 'started' }, ...step.outputs] };
  }
  // A fork of ipykernel's process also ends the cell in the same session, so only its output counts.
  const { prefix } = splitId(message.msgId);
  const isOfFork = before.process !== '' && prefix !== '' && prefix !== before.process;
  if (isOfFork && (message.type === 'status' || message.type === 'execute_reply'))
    return { state: before, outputs: [] };
  switch (message.type) {
    case 'status':
      if (isBusy(message)) return { state: { ...before, ran: true, process: prefix }, outputs: [] };
      return {
        state: { ...before, idle: before.idle || message.content['execution_state'] === 'idle' },
        outputs: [],
      };
    case 'execute_input':
      return takeCount({ ...before, ran: true }, readExecutionCount(message.content));
    case 'execute_reply':
      return takeReply(before, readExecuteReply(message.content));
    default:
      return takeOutput(before, message, sessionId);
  }
}

function takeReply(before: ExecutionState, reply: ExecuteReply): Step {
  const { state, outputs } = takeCount({ ...before, reply }, reply.executionCount);
  return { state, outputs: [...outputs, ...reply.outputs] };
}

function takeCount(state: ExecutionState, executionCount: number | undefined): Step {
  if (executionCount === undefined || state.executionCount !== undefined) return { state, outputs: [] };
  return { state: { ...state, executionCount }, outputs: [{ kind: 'counted', executionCount }] };
}

function takeOutput(state: ExecutionState, message: KernelMessage, sessionId: string): Step {
  const limit = readDropNotice(message, sessionId);
  if (limit !== undefined)
    return { state: { ...state, possibleGap: true }, outputs: [{ kind: 'dropped', limit }] };
  const output = readOutput(message);
  if (output === undefined) return { state, outputs: [] };
  if (output.kind === 'error') return { state: { ...state, errorName: output.name }, outputs: [output] };
  if (output.kind !== 'stream' || output.name !== 'stderr') return { state, outputs: [output] };
  return {
    state: { ...state, printed: (state.printed + output.text).slice(-PRINTED_CHARS) },
    outputs: [output],
  };
}

/** Long enough for a printed group of exceptions. */
const PRINTED_CHARS = 20_000;

type EndWaits = Pick<GatewayTimings, 'lingerMs' | 'errorLingerMs' | 'goodbyeMs' | 'graceMs' | 'idleGraceMs'>;

/**
 * How long after its latest message the execution ends; undefined if more must come. `sendsLateOutput`: the kernel is
 * known to send outputs after reply and idle. `isReconnected`: missing messages may be lost.
 */
export function endsInMs(
  state: ExecutionState,
  waits: EndWaits,
  sendsLateOutput: boolean,
  isReconnected: boolean,
): number | undefined {
  const { reply, idle } = state;
  if (reply === undefined) return idle ? waits.graceMs : undefined;
  const isErrorMissing =
    reply.error !== undefined && state.errorName === undefined && !isPrinted(reply.error, state.printed);
  if (idle && isForeignInterrupt(state)) return waits.goodbyeMs;
  if (idle) return isErrorMissing ? waits.errorLingerMs : sendsLateOutput ? waits.lingerMs : 0;
  // IRkernel and xeus send no busy and idle for code that they did not run (protocol.md §3.3, trap 20).
  if (!state.ran && reply.status !== 'ok') return 0;
  return isReconnected ? waits.graceMs : waits.idleGraceMs;
}

/** What IPython prints itself (usage errors, groups of exceptions) has no `error` message and no traceback. */
function isPrinted({ value, traceback }: { value: string; traceback: string[] }, printed: string): boolean {
  return value !== '' && traceback.length === 0 && printed.includes(value);
}

/**
 * Whether it was interrupted, but not by us. Gateways interrupt a kernel before they restart or delete it, so this may
 * be the beginning of that.
 */
export function isForeignInterrupt(state: ExecutionState): boolean {
  return !state.stopped && endKind(state) === 'interrupted';
}

/**
 * The end according to reply and idle (or the one that came), with the reply's error if there was no `error` message.
 * `isWhole`: no message is lost. `isCutShort`: we interrupted code whose reply is ok all the same (`%debug`, `!sleep
 * 60`).
 */
export function settle(
  state: ExecutionState,
  isWhole: boolean,
  isCutShort = false,
): { outputs: Output[]; end: ExecutionEnd } {
  const { reply } = state;
  const outputs: Output[] =
    reply?.error !== undefined && state.errorName === undefined && !isEmptyError(reply.error)
      ? [{ kind: 'error', ...reply.error }]
      : [];
  const end = endKind(state);
  const kind = isCutShort && end === 'ok' ? 'interrupted' : end;
  // If nothing was lost, the kernel failed at the request itself, as ipykernel does after `sys.stdout = None`.
  if (kind === 'ok' && reply === undefined) {
    const told = isWhole ? endAs(state, kind, NO_REPLY) : endAs(state, 'outputLost', 'the reply was lost');
    return { outputs, end: told };
  }
  const isOddStatus = reply !== undefined && !['ok', 'error', 'aborted', 'abort'].includes(reply.status);
  return { outputs, end: endAs(state, kind, isOddStatus ? `reply status "${reply.status}"` : undefined) };
}

const NO_REPLY = 'the kernel sent no reply, so it may not have run this';

/** An end from outside the execution: the kernel died, the gateway went away … */
export function endAs(state: ExecutionState, kind: ExecutionEndKind, detail?: string): ExecutionEnd {
  return {
    kind,
    executionCount: state.executionCount,
    variablesLost: LOSES_VARIABLES.has(kind),
    possibleGap: state.possibleGap,
    replyMissing: state.reply === undefined,
    idleMissing: !state.idle,
    detail,
  };
}

const LOSES_VARIABLES: ReadonlySet<ExecutionEndKind> = new Set([
  'exited',
  'kernelDied',
  'kernelRestarted',
  'kernelGone',
]);

function endKind(state: ExecutionState): ExecutionEndKind {
  const { reply, errorName } = state;
  if (reply === undefined) {
    if (errorName === undefined) return state.stopped ? 'interrupted' : 'ok';
    return failedKind(state, errorName);
  }
  if (reply.asksExit) return 'exited';
  if (reply.status === 'ok') return 'ok';
  // `aborted`: not run because of another request's error; `abort`: IRkernel's word for interrupted (protocol.md §3.4).
  if (reply.status === 'abort') return state.ran || state.stopped ? 'interrupted' : 'aborted';
  if (reply.status === 'aborted' && !state.ran) return 'aborted';
  // ipykernel 6 and 7 send busy and idle for code that they did not run, too.
  if (reply.status === 'aborted') return state.stopped ? 'interrupted' : 'aborted';
  return failedKind(state, errorName ?? reply.error?.name ?? '');
}

function failedKind(state: ExecutionState, errorName: string): ExecutionEndKind {
  return state.stopped || errorName === 'KeyboardInterrupt' ? 'interrupted' : 'raised';
}

function isEmptyError(error: { name: string; value: string; traceback: string[] }): boolean {
  return error.name === '' && error.value === '' && error.traceback.length === 0;
}
