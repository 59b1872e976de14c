import type { KernelInfo } from '../gateway.ts';
import type { MimeBundle, Output } from '../outputs.ts';
import { id, isRecord, readJson, text } from './json.ts';
import { readWidget } from './widget.ts';
import type { KernelMessage } from './wire.ts';

/** Message contents → our types; pure. Kernels leave fields out and add others, so every field is checked. */

/**
 * The content of an execute_reply. `status` is the kernel's word: `ok`, `error`, `aborted`, `abort` … (protocol.md
 * §3.4).
 */
export interface ExecuteReply {
  status: string;
  executionCount: number | undefined;
  error: { name: string; value: string; traceback: string[] } | undefined;
  /** The code called `exit()`: the kernel ends although the reply may say ok. */
  asksExit: boolean;
  /** Pager texts and next inputs, in order. */
  outputs: Output[];
}

export function readExecuteReply(content: KernelMessage['content']): ExecuteReply {
  const payloads = Array.isArray(content['payload']) ? content['payload'].filter(isRecord) : [];
  const status = text(content['status']);
  const hasError = status !== 'ok' && ('ename' in content || 'evalue' in content);
  return {
    status,
    executionCount: count(content['execution_count']),
    error: hasError ? readError(content) : undefined,
    asksExit: payloads.some((payload) => payload['source'] === 'ask_exit' && payload['keepkernel'] !== true),
    outputs: payloads.flatMap((payload): Output[] => readPayload(payload)),
  };
}

function readPayload(payload: Record<string, unknown>): Output[] {
  if (payload['source'] === 'page') {
    const data = readBundle(payload['data']);
    return Object.keys(data).length === 0 ? [] : [{ kind: 'page', data }];
  }
  if (payload['source'] === 'set_next_input') return [{ kind: 'nextInput', text: text(payload['text']) }];
  return [];
}

/** No exception class has a longer name. */
const NAME_CHARS = 10_000;

export function readError(content: KernelMessage['content']): NonNullable<ExecuteReply['error']> {
  const { traceback } = content;
  return {
    name: text(content['ename']).slice(0, NAME_CHARS),
    value: text(content['evalue']),
    traceback: Array.isArray(traceback) ? traceback.filter((line) => typeof line === 'string') : [],
  };
}

/** The output in an iopub message of an execution; undefined for statuses and unknown types. */
export function readOutput(message: KernelMessage): Output | undefined {
  const { content } = message;
  switch (message.type) {
    case 'stream':
      return {
        kind: 'stream',
        name: content['name'] === 'stderr' ? 'stderr' : 'stdout',
        text: joined(content['text']),
      };
    case 'execute_result':
      return { kind: 'result', ...readDisplay(content) };
    case 'display_data':
      return readCommDisplay(content['data']) ?? { kind: 'display', ...readDisplay(content) };
    case 'update_display_data': {
      const display = readDisplay(content);
      return display.displayId === undefined
        ? undefined
        : { kind: 'updateDisplay', ...display, displayId: display.displayId };
    }
    case 'comm_open':
    case 'comm_close':
      return readWidget(message);
    case 'comm_msg':
      return readWidget(message) ?? readComm(content);
    case 'clear_output':
      return { kind: 'clear', wait: content['wait'] === true };
    case 'error':
      return { kind: 'error', ...readError(content) };
    default:
      return undefined;
  }
}

function readComm(content: KernelMessage['content']): Output | undefined {
  const commId = id(content['comm_id']);
  return commId === '' ? undefined : { kind: 'comm', commId, data: content['data'] };
}

/** Code in Scala kernels cannot use comms, so it sends a display of this type, with a comm message as JSON text. */
const COMM_MIME = 'application/vnd.sparkthread.comm+json';
const MOST_COMM_CHARS = 10_000;

function readCommDisplay(data: unknown): Output | undefined {
  const said = isRecord(data) ? data[COMM_MIME] : undefined;
  if (typeof said !== 'string' || said.length > MOST_COMM_CHARS) return undefined;
  const content = readJson(said);
  return isRecord(content) ? readComm(content) : undefined;
}

interface Display {
  data: MimeBundle;
  metadata: MimeBundle;
  displayId?: string;
}

function readDisplay(content: KernelMessage['content']): Display {
  const transient = isRecord(content['transient']) ? content['transient'] : {};
  const displayId = id(transient['display_id']);
  return {
    data: readBundle(content['data']),
    metadata: isRecord(content['metadata']) ? content['metadata'] : {},
    ...(displayId === '' ? {} : { displayId }),
  };
}

/** Texts may be arrays of lines (trap 45); values of JSON mime types are kept as they are. */
function readBundle(value: unknown): MimeBundle {
  if (!isRecord(value)) return {};
  return Object.fromEntries(
    firstEntries(value).map(([mime, part]) => [mime, /[/+]json$/.test(mime) ? part : joinedOrOwn(part)]),
  );
}

/** No kernel sends more mime types for one value. */
const MOST_FORMS = 100;

/** Reads only the first entries: there may be a million. */
function firstEntries(value: Record<string, unknown>): [string, unknown][] {
  const first: [string, unknown][] = [];
  for (const form in value) {
    if (first.length === MOST_FORMS) break;
    first.push([form, value[form]]);
  }
  return first;
}

function joinedOrOwn(part: unknown): unknown {
  return Array.isArray(part) && part.every((line) => typeof line === 'string') ? part.join('') : part;
}

/**
 * The gateway's notice that it drops output: a `stderr` stream that the gateway sends with our session id (protocol.md
 * §2.5).
 */
export function readDropNotice(message: KernelMessage, sessionId: string): 'data' | 'messages' | undefined {
  if (message.type !== 'stream' || message.session !== sessionId || message.content['name'] !== 'stderr')
    return undefined;
  const said = text(message.content['text']);
  if (said.startsWith('IOPub data rate exceeded')) return 'data';
  return said.startsWith('IOPub message rate exceeded') ? 'messages' : undefined;
}

/** The implementation is looked at for each message. */
const IMPLEMENTATION_CHARS = 200;

export function readKernelInfo(content: KernelMessage['content']): KernelInfo {
  const said = text(content['implementation']).slice(0, IMPLEMENTATION_CHARS);
  const version = text(content['implementation_version']).slice(0, IMPLEMENTATION_CHARS);
  return { implementation: said === 'spark' ? 'Apache Toree' : said, version }; // Toree's own name
}

export const UNKNOWN_KERNEL_INFO: KernelInfo = { implementation: '', version: '' };

/** Whether the kernel sends outputs after reply and idle (protocol.md §3.3, trap 53). */
export function sendsLateOutput(info: KernelInfo): boolean {
  return /toree/i.test(info.implementation);
}

/**
 * Whether a process that answers a silent execution with this count cannot have run `In [known]`. IRkernel's reply has
 * the next count, Toree counts silent executions too, others give the last count.
 */
export function isOfOtherProcess(info: KernelInfo, replied: number | undefined, known: number): boolean {
  if (replied === undefined) return false;
  return /toree|irkernel/i.test(info.implementation) ? replied <= known : replied < known;
}

export function readExecutionCount(content: KernelMessage['content']): number | undefined {
  return count(content['execution_count']);
}

function joined(value: unknown): string {
  return Array.isArray(value) ? value.filter((part) => typeof part === 'string').join('') : text(value);
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) ? value : undefined;
}

/** What a message says about the kernel itself rather than an execution. Source: protocol.md §2.7, §3.7. */
export type KernelSign =
  /** The gateway restarts the kernel's process after it died. */
  | 'restarting'
  /** A new process has started. */
  | 'starting'
  /** The gateway has given up restarting it. */
  | 'dead'
  /** The kernel was told to shut down: for good, or (below) for a restart. */
  | 'leaving'
  | 'leavingToRestart'
  /** Another client's code is running, or (below) has ended. */
  | 'busyElsewhere'
  | 'idleElsewhere';

/** Undefined if the message says nothing about the kernel. Only for messages that belong to none of our executions. */
export function readKernelSign(message: KernelMessage): KernelSign | undefined {
  if (message.channel !== 'iopub') return undefined;
  if (message.type === 'shutdown_reply')
    return message.content['restart'] === true ? 'leavingToRestart' : 'leaving';
  if (message.type !== 'status') return undefined;
  const state = text(message.content['execution_state']);
  if (message.parentId === '')
    return state === 'restarting' || state === 'starting' || state === 'dead' ? state : undefined;
  if (message.parentType !== 'execute_request') return undefined;
  if (state === 'busy') return 'busyElsewhere';
  return state === 'idle' ? 'idleElsewhere' : undefined;
}

/** Sent by the gateway itself about its kernel's process; never buffered and never replayed. */
export function isFromGateway(message: KernelMessage): boolean {
  const sign = readKernelSign(message);
  return sign === 'restarting' || sign === 'dead';
}

/** Whether this begins an execution. */
export function isBusy(message: KernelMessage): boolean {
  return message.type === 'status' && message.content['execution_state'] === 'busy';
}

/**
 * The number of a message and the prefix that identifies its process (`session_pid_`); empty if the kernel does not
 * number.
 */
export function splitId(msgId: string): { prefix: string; number: number } {
  const cut = msgId.lastIndexOf('_');
  const number = Number(msgId.slice(cut + 1));
  const isNumbered = cut > 0 && /_\d+$/.test(msgId.slice(0, cut)) && Number.isSafeInteger(number);
  return isNumbered ? { prefix: msgId.slice(0, cut + 1), number } : { prefix: '', number: 0 };
}
