import { text } from './messages.ts';
import type { KernelModel } from '../gateway.ts';
import type { KernelMessage } from './wire.ts';

/** What messages and models say about the kernel itself, not about one execution; pure. Source: protocol.md §2.7, §3.7. */

export type LifeSign =
  /** The gateway starts the kernel's process again after it died. */
  | 'restarting'
  /** A new process speaks. */
  | 'starting'
  /** The gateway has given up restarting it. */
  | 'dead'
  /** It was told to end, for good or for a restart. */
  | 'leaving'
  | 'leavingToRestart'
  /** Code of another client runs, or has ended. */
  | 'busyElsewhere'
  | 'idleElsewhere';

/** Undefined for what is no sign of life or death. Only for messages that belong to no execution of ours. */
export function readLifeSign(message: KernelMessage): LifeSign | undefined {
  if (message.channel !== 'iopub') return undefined;
  if (message.type === 'shutdown_reply')
    return message.content['restart'] === true ? 'leavingToRestart' : 'leaving';
  if (message.type !== 'status') return undefined;
  const state = text(message.content['execution_state']);
  if (message.parentId === '') {
    return state === 'restarting' || state === 'starting' || state === 'dead' ? state : undefined;
  }
  if (message.parentType !== 'execute_request') return undefined;
  if (state === 'busy') return 'busyElsewhere';
  return state === 'idle' ? 'idleElsewhere' : undefined;
}

/** Said by the gateway itself about its kernel's process; never buffered, never replayed. */
export function isWordOfGateway(message: KernelMessage): boolean {
  const sign = readLifeSign(message);
  return sign === 'restarting' || sign === 'dead';
}

/** The beginning of an execution. */
export function isBusy(message: KernelMessage): boolean {
  return message.type === 'status' && message.content['execution_state'] === 'busy';
}

export interface Silence {
  model: KernelModel | undefined;
  /** Any message of the execution was seen. */
  started: boolean;
  /** A kernel_info_reply would prove that the execution is over (only where shell is strictly ordered, §3.8). */
  canProve: boolean;
  /** Looks before this one, without a message since, that found the same state. */
  sameLooks: number;
}

export type SilenceVerdict =
  /** Nothing wrong: a long computation says nothing. */
  | 'wait'
  /** Ask for proof that the kernel has nothing of ours left to do. */
  | 'prove'
  /** Over, and how it went is lost. */
  | 'lost'
  | 'died'
  | 'gone';

/** What the kernel's model means for an execution of which nothing came for a while. */
export function judgeSilence({ model, started, canProve, sameLooks }: Silence): SilenceVerdict {
  if (model === undefined || model.executionState === 'dead') return 'gone';
  if (model.executionState === 'idle') {
    if (canProve) return 'prove';
    return sameLooks >= 1 ? 'lost' : 'wait';
  }
  // Kernel Gateway says `starting` from a restart until somebody makes the kernel speak (protocol.md §1.1, trap 34).
  if (model.executionState === 'starting' && started) return sameLooks >= 1 ? 'died' : 'wait';
  return 'wait';
}
