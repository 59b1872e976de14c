export type LifecycleEvent =
  /** The kernel accepts requests. */
  | { kind: 'ready' }
  /** The kernel exists but does not answer, so nothing can be sent. A new process, with nothing to lose, is `gone`. */
  | { kind: 'mute'; detail: string }
  /** A new process has replaced the kernel's. `isOurs`: this client restarted it. */
  | { kind: 'replaced'; as: 'kernelDied' | 'kernelRestarted'; isOurs?: boolean }
  | { kind: 'gone'; detail: string }
  /** `mayEnd` has changed. */
  | { kind: 'mayEndChanged' }
  | { kind: 'busyElsewhere' };

export type LifecycleState =
  /** Started by this client and not yet answering: its first `starting` is not a restart. */
  | 'fresh'
  /** An existing kernel that has not answered yet. */
  | 'opening'
  | 'ready'
  /** The websocket broke; the kernel is asked again once it is open. */
  | 'lost'
  /** The kernel was told to shut down; whether it is gone is not yet known. */
  | 'leaving'
  /** Another client restarts the kernel. */
  | 'leavingToRestart'
  /** This client restarts the kernel. */
  | 'restarting'
  /** Code called `exit()`: a new process comes within seconds, or none. */
  | 'exited'
  /** A new process is coming; what is written before it answers would be lost. */
  | 'replaced';

/** In these states the kernel ends the code that runs, so a reply does not tell how the execution ended. */
export const ENDING: ReadonlySet<LifecycleState> = new Set(['leaving', 'leavingToRestart', 'restarting']);
