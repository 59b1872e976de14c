import type { GatewayErrorCode } from './errors.ts';

/** Values by mime type; multi-line arrays are already joined, JSON mime types keep their value. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/** What a kernel can say during one execution, in our words. Source: Jupyter messaging 5.x, protocol.md §3 and §4. */
export type Output =
  /** The kernel's `In [n]`; 0 or absent where the kernel does not count. */
  | { kind: 'counted'; executionCount: number }
  | { kind: 'stream'; name: 'stdout' | 'stderr'; text: string }
  | { kind: 'result'; data: MimeBundle; metadata: MimeBundle; displayId?: string }
  | { kind: 'display'; data: MimeBundle; metadata: MimeBundle; displayId?: string }
  | { kind: 'updateDisplay'; data: MimeBundle; metadata: MimeBundle; displayId: string }
  | { kind: 'clear'; wait: boolean }
  /** Where no `error` message came, the fields are the reply's (protocol.md §2.5). */
  | { kind: 'error'; name: string; value: string; traceback: string[] }
  /** Pager text from the reply's payload (`x?`). */
  | { kind: 'page'; data: MimeBundle }
  /** Text for the next input (`%load`, `%recall`). */
  | { kind: 'nextInput'; text: string }
  /**
   * The kernel waits for a line. `answer` sends it once; unanswered, the kernel stays blocked until an interrupt.
   * `refused`: the execution allowed no input, an empty line has been sent already and `answer` does nothing.
   */
  | {
      kind: 'inputRequest';
      prompt: string;
      password: boolean;
      refused: boolean;
      /** The name that an earlier process gave it, when it has been asked before. */
      id?: string;
      answer: (value: string) => void;
    }
  /** What code in the kernel says to a client that knows it by `commId`: whatever JSON can hold. */
  | { kind: 'comm'; commId: string; data: unknown }
  /** What a widget is now, as far as it was told; `state` undefined: it was closed. */
  | { kind: 'widget'; id: string; state: WidgetState | undefined }
  /** A message that could not be read; its content is lost. */
  | { kind: 'unreadable' };

/** Of a Jupyter widget's model what can be told in words. Only what a message changed. Texts are bounded. */
export interface WidgetState {
  /** `FloatProgressModel`, `HBoxModel`, `OutputModel`. */
  model?: string;
  description?: string;
  value?: string | number;
  max?: number;
  /** Ids of the widgets within it. */
  children?: string[];
  /** An Output widget: whether what the code says from now on goes into its own area. */
  isCapturing?: boolean;
}

/** What happens to an execution or to its connection. */
export type Status =
  /**
   * First sign of this execution (busy, execute_input or reply, whichever comes first). Exactly once, before all that the
   * kernel says; only `behindOthers`, `quiet`, `disconnected` and `reconnected` may come earlier.
   */
  | { kind: 'started' }
  /** The gateway dropped output by its own rate limit; what follows may be missing (protocol.md §2.5). */
  | { kind: 'dropped'; limit: 'data' | 'messages' }
  /** A message over `maxMessageBytes`, or of too many values; it is lost. */
  | { kind: 'tooBig' }
  /** Connection lost, being re-opened; the execution goes on. */
  | { kind: 'disconnected'; atMs: number }
  /**
   * The websocket was away between these times (ms since the epoch). `gap`: output may be missing, as far as is known
   * now; the end's `possibleGap` has the last word, because ipykernel's message numbers can prove that nothing is.
   */
  | { kind: 'reconnected'; fromMs: number; toMs: number; gap: boolean }
  /**
   * The kernel works and says nothing since the connection broke: a question that it asked, or the answer to it, may have
   * been lost, and then it waits for ever. Once for each break.
   */
  | { kind: 'inputMayBeLost' }
  /**
   * The gateway is away, or refuses us. Told within seconds, again when the reason changes, until `outageOver`.
   * `isCutOff`: nothing of the kernel is received meanwhile; else only our calls fail, so that output comes and a stop
   * does not get through.
   */
  | { kind: 'outage'; code: GatewayErrorCode; detail: string; isCutOff: boolean }
  | { kind: 'outageOver' }
  /** No sign for a while; the kernel's state as the gateway gives it (`busy`, `idle`, …). */
  | { kind: 'quiet'; executionState: string; quietMs: number }
  /** Another client's code runs in this kernel, ours waits behind it. */
  | { kind: 'behindOthers' }
  /** The stop was asked for 10 s ago and the kernel still runs. */
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
 * Each way an execution ends. `variablesLost`: the kernel's state is gone.
 * `executionCount` is the reply's, absent where there was none.
 */
export interface ExecutionEnd {
  kind: ExecutionEndKind;
  executionCount?: number | undefined;
  variablesLost: boolean;
  /** Output may be missing (drop by the gateway, a gap over a reconnect, a message that was too big or unreadable). */
  possibleGap: boolean;
  replyMissing: boolean;
  idleMissing: boolean;
  /** How long more of it was waited for in vain, ms: no time of its own. */
  lingeredMs?: number;
  /** What an operator needs: the gateway's words, a close code; no secret. */
  detail?: string | undefined;
}

export type ExecutionEndKind =
  | 'ok'
  /** The code raised. */
  | 'raised'
  /** Our interrupt, or somebody's, stopped it (`KeyboardInterrupt`, `abort`). */
  | 'interrupted'
  /** The kernel refused to run it because an earlier request of another client failed (`aborted`). Safe to run again. */
  | 'aborted'
  /** `exit()`: the reply says ok, the kernel ends. */
  | 'exited'
  /** The kernel's process died; the gateway restarts it under the same id. */
  | 'kernelDied'
  /** Restarted by REST, by us or by somebody else. */
  | 'kernelRestarted'
  /** 404: deleted, culled, or given up by the gateway; or the gateway forgot it over its own restart. */
  | 'kernelGone'
  /** The kernel is idle and our reply is nowhere: it ran, how it ended is not known. */
  | 'outputLost'
  /** The request never reached the kernel for certain (written to no socket). Safe to run again. */
  | 'notSent'
  /** It cannot be told whether the request reached the kernel. */
  | 'unknown'
  /** The gateway did not come back within the timeout for it. */
  | 'gatewayAway';

export type KernelOutput = Output | Status;

export interface ExecuteRequest {
  /** uuid chosen by the caller, so that it can be stored before it is written. */
  msgId: string;
  code: string;
  allowStdin: boolean;
  /** Not counted, not kept in the kernel's history, its result not shown. */
  silent?: boolean;
  /** Aborted: the kernel is interrupted, once our code is the one running (protocol.md §3.6). */
  signal?: AbortSignal | undefined;
}

export interface ResumeRequest {
  msgId: string;
  signal?: AbortSignal;
  /** Absent: nobody can be asked for a line. */
  allowStdin?: boolean;
  checkpoint?: ExecutionCheckpoint | undefined;
  /** The line that the kernel asked the earlier process for, and waits for still: no replay asks for it again. */
  inputRequest?: InputRequest | undefined;
  /** The connection's `process` when it was written; absent where that is not known. */
  process?: string | undefined;
  /** Its `In [n]`, or a lower bound of it; absent where it is not known to have begun. */
  executionCount?: number | undefined;
}

export interface InputRequest {
  /** The earlier process's name for it. */
  id: string;
  prompt: string;
  password: boolean;
}

/**
 * One execute_request. Iterating (once) gives the outputs in order, with back-pressure: a reader that does not read stops
 * the websocket, one that leaves the loop early drops the rest. `end` settles when the last output is there to be read.
 */
export interface Execution extends AsyncIterable<KernelOutput> {
  readonly msgId: string;
  readonly end: Promise<ExecutionEnd>;
  /** Resolves once the request is written, which a kernel that comes up delays, or never will be. */
  readonly written: Promise<void>;
  /** Once the connection was closed on it, and its outputs have been read. */
  readonly checkpoint: ExecutionCheckpoint | undefined;
  /** The same while it goes on, once all that came has been read; undefined where it would prove nothing. */
  soFar(): ExecutionCheckpoint | undefined;
  /** Interrupts once more what was to stop and runs on; does nothing where it is over or was not to stop. */
  stopAgain(): void;
}

/** What is known of an execution that had not ended when its connection was closed; JSON. */
export interface ExecutionCheckpoint {
  /** Its connection was still open: more may have come to a process that died. */
  isInterim?: boolean;
  /** False: the request was never written, so it can be sent as if for the first time. */
  isWritten: boolean;
  /** All of it that was given out as output. */
  received?: ReceivedSoFar | undefined;
  errorName?: string | undefined;
  possibleGap: boolean;
}

/** The message numbers of one execution until a moment; JSON. */
export interface ReceivedSoFar {
  prefix: string;
  first: number;
  last: number;
  seen: number;
  beyond: number[];
}
