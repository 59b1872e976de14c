import type { GatewayErrorCode } from './errors.ts';

/** Values by mime type. Arrays of lines are already joined; values of JSON mime types are kept as they are. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/** What a kernel can send during one execution. Source: Jupyter messaging 5.x, protocol.md §3 and §4. */
export type Output =
  /** The kernel's `In [n]`; some kernels that do not count send 0. */
  | { kind: 'counted'; executionCount: number }
  | { kind: 'stream'; name: 'stdout' | 'stderr'; text: string }
  | { kind: 'result'; data: MimeBundle; metadata: MimeBundle; displayId?: string }
  | { kind: 'display'; data: MimeBundle; metadata: MimeBundle; displayId?: string }
  | { kind: 'updateDisplay'; data: MimeBundle; metadata: MimeBundle; displayId: string }
  | { kind: 'clear'; wait: boolean }
  /** The fields come from the reply if there was no `error` message (protocol.md §2.5). */
  | { kind: 'error'; name: string; value: string; traceback: string[] }
  /** Pager text from the reply's payload (`x?`). */
  | { kind: 'page'; data: MimeBundle }
  /** Text for the next input (`%load`, `%recall`). */
  | { kind: 'nextInput'; text: string }
  /**
   * The kernel waits for a line. `answer` sends it once; without it the kernel is blocked until an interrupt.
   * `refused`: the execution does not allow input, so an empty line was sent and `answer` does nothing.
   */
  | {
      kind: 'inputRequest';
      prompt: string;
      password: boolean;
      refused: boolean;
      /** The id that an earlier process gave this request, if it was asked there. */
      id?: string;
      answer: (value: string) => void;
    }
  /** A comm message from code in the kernel; `data` is any JSON. */
  | { kind: 'comm'; commId: string; data: unknown }
  /** The fields of a widget that a message changed; `state` is undefined when the widget was closed. */
  | { kind: 'widget'; id: string; state: WidgetState | undefined }
  /** A message that could not be read; its content is lost. */
  | { kind: 'unreadable' };

/**
 * The part of a Jupyter widget's model that can be shown as text. Only changed fields are set, and texts are bounded.
 */
export interface WidgetState {
  /** `FloatProgressModel`, `HBoxModel`, `OutputModel`. */
  model?: string;
  description?: string;
  /** Several: of a range, or of tags. A date or a time is a text. */
  value?: string | number | boolean | (string | number)[];
  min?: number;
  max?: number;
  /** The texts of a selection's options, and which of them are chosen. */
  labels?: string[];
  chosen?: number[];
  /** Ids of the widgets that it contains. */
  children?: string[];
  /** For an Output widget: whether it captures the output from now on. */
  isCapturing?: boolean;
}

/** What happens to an execution or its connection. */
export type Status =
  /**
   * The first message of this execution has come (busy, execute_input or reply). Sent exactly once and before all
   * outputs that can be read. What happens to the connection, and `stopIgnored`, may come earlier.
   */
  | { kind: 'started' }
  /** The gateway's rate limit dropped output; what follows may be incomplete (protocol.md §2.5). */
  | { kind: 'dropped'; limit: 'data' | 'messages' }
  /** A message was longer than `maxMessageBytes` or had too many values, and is lost. */
  | { kind: 'tooBig' }
  /** The connection is lost and is being reopened; the execution goes on. */
  | { kind: 'disconnected' }
  /**
   * The websocket was down between these times (ms since the epoch), so output may be missing. Only the end's
   * `possibleGap` tells, because ipykernel's message numbers can prove that nothing is missing.
   */
  | { kind: 'reconnected'; fromMs: number; toMs: number }
  /**
   * The kernel is busy and has sent nothing since the connection broke. An input request or its answer may have
   * been lost, in which case the kernel waits for ever. Sent once for each break.
   */
  | { kind: 'inputMayBeLost' }
  /**
   * The gateway is down or refuses us. Sent within seconds, and again when the reason changes, until `outageOver`.
   * `isCutOff`: nothing arrives from the kernel. Otherwise only our calls fail: output still arrives, but a stop
   * does not get through.
   */
  | { kind: 'outage'; code: GatewayErrorCode; detail: string; isCutOff: boolean }
  | { kind: 'outageOver' }
  /** Nothing has arrived for a while. */
  | { kind: 'quiet'; quietMs: number }
  /** Another client's code is running in this kernel, and ours waits behind it. */
  | { kind: 'behindOthers' }
  /** The stop was requested 10 s ago and the code is still running. */
  | { kind: 'stopIgnored' };

const STATUS_KINDS: Readonly<Record<Status['kind'], true>> = {
  started: true,
  dropped: true,
  tooBig: true,
  disconnected: true,
  reconnected: true,
  inputMayBeLost: true,
  outage: true,
  outageOver: true,
  quiet: true,
  behindOthers: true,
  stopIgnored: true,
};

export function isStatus(said: KernelOutput): said is Status {
  return said.kind in STATUS_KINDS;
}

/**
 * How an execution ended. `variablesLost`: the kernel's state is gone. `executionCount` is absent if the reply did
 * not come.
 */
export interface ExecutionEnd {
  kind: ExecutionEndKind;
  executionCount?: number | undefined;
  variablesLost: boolean;
  /** Output may be missing (dropped by the gateway, lost over a reconnect, too big or unreadable). */
  possibleGap: boolean;
  replyMissing: boolean;
  idleMissing: boolean;
  /** How long (ms) the client waited for more messages in vain; not part of the execution's own time. */
  lingeredMs?: number;
  /** For the operator: the gateway's words or a close code, never a secret. */
  detail?: string | undefined;
}

export type ExecutionEndKind =
  | 'ok'
  /** The code raised. */
  | 'raised'
  /** An interrupt stopped it, ours or somebody else's (`KeyboardInterrupt`, `abort`). */
  | 'interrupted'
  /** The kernel did not run it because another client's earlier request failed (`aborted`). Safe to run again. */
  | 'aborted'
  /** The code called `exit()`: the reply says ok and the kernel ends. */
  | 'exited'
  /** The kernel's process died; the gateway restarts it under the same id. */
  | 'kernelDied'
  /** The kernel was restarted by REST, by us or by somebody else. */
  | 'kernelRestarted'
  /** 404: the kernel was deleted or culled, the gateway gave it up, or the gateway itself was restarted. */
  | 'kernelGone'
  /** The kernel is idle and the reply is lost: the code ran, but how it ended is not known. */
  | 'outputLost'
  /** The request certainly did not reach the kernel (it was written to no socket). Safe to run again. */
  | 'notSent'
  /** It was not sent because the caller's `mayWrite` returned false. Safe to run again. */
  | 'writesPaused'
  /** It is not known whether the request reached the kernel. */
  | 'unknown'
  /** The gateway did not come back before the timeout. */
  | 'gatewayAway';

export type KernelOutput = Output | Status;

export interface ExecuteRequest {
  /** A UUID chosen by the caller, so that it can be stored before the request is written. */
  msgId: string;
  code: string;
  allowStdin: boolean;
  /** Run without a count, without a history entry and without showing the result. */
  silent?: boolean;
  /** Aborting interrupts the kernel once our code is the code that runs (protocol.md §3.6). */
  signal?: AbortSignal | undefined;
}

export interface ResumeRequest {
  msgId: string;
  signal?: AbortSignal;
  /** Absent: there is nobody to ask for input. */
  allowStdin?: boolean;
  checkpoint?: ExecutionCheckpoint | undefined;
  /** The input request that the earlier process received and that the kernel still waits for; no replay repeats it. */
  inputRequest?: InputRequest | undefined;
  /** The connection's `process` when the request was written; absent if it is not known. */
  process?: string | undefined;
  /** Its `In [n]` or a lower bound of it; absent if it is not known to have begun. */
  executionCount?: number | undefined;
}

export interface InputRequest {
  /** The id that the earlier process gave it. */
  id: string;
  prompt: string;
  password: boolean;
}

/**
 * One execute_request. Iterate it once to get the outputs in order, with back-pressure: a reader that does not read
 * pauses the websocket, and one that leaves the loop early drops the rest. `end` settles once the last output can
 * be read.
 */
export interface Execution extends AsyncIterable<KernelOutput> {
  readonly msgId: string;
  readonly end: Promise<ExecutionEnd>;
  /**
   * Resolves once the request is written (a kernel that is starting delays this), or once it is certain that it
   * will not be.
   */
  readonly written: Promise<void>;
  /** Set when the connection is closed before the execution ends; valid once its outputs have been read. */
  readonly checkpoint: ExecutionCheckpoint | undefined;
  /** The checkpoint of a running execution, if all that came has been read; undefined where it would prove nothing. */
  soFar(): ExecutionCheckpoint | undefined;
  /**
   * Sends another interrupt after a stop that had no effect. Does nothing if the execution is over or no stop was
   * requested.
   */
  stopAgain(): void;
}

/** What is known of an execution that had not ended when its connection was closed. JSON. */
export interface ExecutionCheckpoint {
  /** A question of the kernel may be lost: the process died later, or the websocket had broken before. */
  isInterim?: boolean;
  /** False: the request was never written, so it may be sent. */
  isWritten: boolean;
  /** The messages of it that were received. */
  received?: ReceivedSoFar | undefined;
  errorName?: string | undefined;
  possibleGap: boolean;
}

/** The message numbers of one execution that have been received so far. JSON. */
export interface ReceivedSoFar {
  prefix: string;
  first: number;
  last: number;
  seen: number;
  beyond: number[];
}
