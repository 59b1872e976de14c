/** Every wait of the gateway client, in milliseconds. Tests scale them down; nothing else changes them. */
export interface GatewayTimings {
  /** One GET, DELETE or interrupt, all attempts apart. */
  callMs: number;
  /** What a start may take beyond the launch time-out before its answer counts as lost (protocol.md §1.3). */
  startPadMs: number;
  /** Between looks for a kernel whose start's answer was lost. */
  lostStartLookMs: number;
  /** Between looks at the kernel's model while an upgrade is held (a dead kernel holds it for 60 s). */
  upgradeLookMs: number;
  /** A look without an answer counts as failed after this. */
  lookTimeoutMs: number;
  /** First wait for a kernel_info_reply; doubled each time. */
  kernelInfoMs: number;
  /** What a kernel said proves for this long that it is there. */
  seenMs: number;
  /** Pings while executions are in flight, and while there are none. Two unanswered: the socket is dead. */
  busyPingMs: number;
  idlePingMs: number;
  /** Silence of an execution in flight after which the kernel's model is asked for. */
  silenceMs: number;
  /** The same right after a reconnect or a resume. */
  firstLookMs: number;
  /** Idle without reply (protocol.md §3.3). */
  graceMs: number;
  /** Reply without idle: a reply overtakes tens of MB of output, and a busy gateway needs its time to pass them on. */
  idleGraceMs: number;
  /** Reply and idle are there, but the kernel sends outputs after them: Toree, seen on a busy machine, 260 ms after. */
  lingerMs: number;
  /** An error reply came without its `error` message. */
  errorLingerMs: number;
  /** Interrupted by somebody else: a restart or a deletion shows by then, or the kernel's model is looked at. */
  goodbyeMs: number;
  /** Two interrupts of one kernel: Toree takes two within 3 s as a shutdown (protocol.md §3.6). */
  interruptGapMs: number;
  stopIgnoredMs: number;
  /** A lost socket that is not open again after this is told to those who wait for it. */
  outageMs: number;
  /** Re-opening a socket: first pause, longest pause, and how long in all. */
  reopenMs: number;
  reopenMaxMs: number;
  reopenTimeoutMs: number;
  /** A socket that lived this long was a good one: the next re-opening starts with the first pause again. */
  steadyMs: number;
  /**
   * After `restarting`: how long to wait for the new process's `starting` before the socket is re-opened without it. A
   * young kernel comes back on other ports, and then nothing of it arrives on the old socket (trap 42).
   */
  settleMs: number;
  /** After `exit()`: how long until the gateway should have noticed that the process is gone (it looks every 3 s). */
  exitMs: number;
  /** A `shutdown_reply` without what follows it: when to look whether the kernel is gone. */
  shutdownLookMs: number;
  /** An idle kernel that says nothing for so long, although it is asked, does not get what we write on this websocket. */
  staleMs: number;
  /** Between looks at a JupyterHub that does not tell how the start of its server goes on. */
  hubLookMs: number;
  /** Messages of an earlier process's execution wait this long for `resume`. */
  unclaimedMs: number;
}

export const DEFAULT_TIMINGS: GatewayTimings = {
  callMs: 10_000,
  startPadMs: 10_000,
  lostStartLookMs: 5_000,
  upgradeLookMs: 1_500,
  lookTimeoutMs: 5_000,
  kernelInfoMs: 1_000,
  seenMs: 5_000,
  busyPingMs: 2_000,
  idlePingMs: 25_000,
  silenceMs: 8_000,
  firstLookMs: 1_500,
  graceMs: 3_000,
  idleGraceMs: 15_000,
  lingerMs: 400,
  errorLingerMs: 1_000,
  goodbyeMs: 1_500,
  interruptGapMs: 4_000,
  stopIgnoredMs: 10_000,
  outageMs: 2_000,
  reopenMs: 100,
  reopenMaxMs: 5_000,
  reopenTimeoutMs: 300_000,
  steadyMs: 10_000,
  settleMs: 2_000,
  exitMs: 5_000,
  shutdownLookMs: 1_000,
  staleMs: 5_000,
  hubLookMs: 1_000,
  unclaimedMs: 10_000,
};
