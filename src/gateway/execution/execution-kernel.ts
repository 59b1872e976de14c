import type { ExecutionEndKind } from '../outputs.ts';
import type { GatewayTimings } from '../timings.ts';
import type { AnswerInput } from './input.ts';
import type { WantedInterrupt } from './interrupt.ts';

/** What an execution may ask of its kernel's connection. */
export interface ExecutionKernel {
  readonly sessionId: string;
  readonly timings: GatewayTimings;
  /** The kernel is known to send outputs after reply and idle. */
  isLateTalker(): boolean;
  /** Every message of the kernel since the execution's first has come, by their numbers. */
  isWhole(): boolean;
  /** False while the kernel is being restarted or deleted: what it says then is not how this ends. */
  mayEnd(): boolean;
  /** Looks whether the kernel is there and works, so that no restart or deletion of it is under way. */
  isSteady(): Promise<boolean>;
  answerInput: AnswerInput;
  /** Rejects when the interrupt is not known to have been sent. */
  interrupt(wanted: WantedInterrupt): Promise<void>;
}

export type ExecutionEvent =
  /** Its reader is slow (true) or has caught up. */
  | { kind: 'full'; isFull: boolean }
  /** Nothing of it came for a while. */
  | { kind: 'silent'; silentMs: number }
  | { kind: 'interruptFailed'; failure: unknown }
  /** The caller gave it up before it was written. */
  | { kind: 'givenUp' }
  /** `hasError`: an error was given out. */
  | { kind: 'ended'; as: ExecutionEndKind; hasError: boolean };
