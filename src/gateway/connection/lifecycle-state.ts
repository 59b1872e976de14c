export type LifecycleEvent =
  /** The kernel takes requests. */
  | { kind: 'ready' }
  /** It gives no answer although it is there; nothing can be sent. */
  | { kind: 'mute'; detail: string }
  /** Its process is another one now. */
  | { kind: 'replaced'; as: 'kernelDied' | 'kernelRestarted'; automatic: boolean }
  | { kind: 'gone'; detail: string }
  /** Executions may end again, or may not for now. */
  | { kind: 'mayEndChanged' }
  | { kind: 'busyElsewhere' };

export type LifecycleState =
  /** Before the first answer of a kernel that this client has started: its first `starting` is no restart. */
  | 'fresh'
  /** Before the first answer of a kernel that was there. */
  | 'opening'
  | 'ready'
  /** The websocket broke; the kernel is asked again when it is open. */
  | 'lost'
  /** It was told to end, and whether it is gone is not known yet. */
  | 'leaving'
  /** It was told to end for a restart by another client. */
  | 'leavingToRestart'
  /** Our own restart is under way. */
  | 'restarting'
  /** Its code said `exit()`: another process comes within seconds, or none. */
  | 'exited'
  /** Another process was told of; what is written before it answers would be swallowed. */
  | 'replaced';

/** In these a kernel ends what it runs, and then its reply is not how that ended. */
export const ENDING: ReadonlySet<LifecycleState> = new Set(['leaving', 'leavingToRestart', 'restarting']);
