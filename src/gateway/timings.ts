/** Every wait of the gateway client, in milliseconds. Tests scale them down; nothing else changes them. */
export const DEFAULT_TIMINGS = {
  /** One GET, DELETE or interrupt, all attempts apart. */
  callMs: 10_000,
  /** What a start may take beyond the launch time-out before its answer counts as lost (protocol.md §1.3). */
  startPadMs: 10_000,
  /** Between looks for a kernel whose start's answer was lost. */
  lostStartLookMs: 5_000,
  /** Between looks at the kernel's model while an upgrade is held (a dead kernel holds it for 60 s). */
  upgradeLookMs: 1_500,
  /** A look without an answer counts as failed after this. */
  lookTimeoutMs: 5_000,
  /** First wait for a kernel_info_reply; doubled each time. */
  kernelInfoMs: 1_000,
  /** What a kernel said proves for this long that it is there. */
  seenMs: 5_000,
  /** Pings while executions are in flight, and while there are none. Two unanswered: the socket is dead. */
  busyPingMs: 2_000,
  idlePingMs: 25_000,
  /** Silence of an execution in flight after which the kernel's model is asked for. */
  silenceMs: 8_000,
  /** The same right after a reconnect or a resume. */
  firstLookMs: 1_500,
  /** Idle without reply (protocol.md §3.3). */
  graceMs: 3_000,
  /** Reply without idle: a reply overtakes tens of MB of output, and a busy gateway needs its time to pass them on. */
  idleGraceMs: 15_000,
  /** Reply and idle are there, but the kernel sends outputs after them: Toree, seen on a busy machine, 260 ms after. */
  lingerMs: 400,
  /** An error reply came without its `error` message. */
  errorLingerMs: 1_000,
  /** Interrupted by somebody else: a restart or a deletion shows by then, or the kernel's model is looked at. */
  goodbyeMs: 1_500,
  /** Two interrupts of one kernel: Toree takes two within 3 s as a shutdown (protocol.md §3.6). */
  interruptGapMs: 4_000,
  stopIgnoredMs: 10_000,
  /** A lost socket that is not open again after this is told to those who wait for it. */
  outageMs: 2_000,
  /** Re-opening a socket: first pause, longest pause, and how long in all. */
  reopenMs: 100,
  reopenMaxMs: 5_000,
  reopenTimeoutMs: 300_000,
  /** A socket that lived this long was a good one: the next re-opening starts with the first pause again. */
  steadyMs: 10_000,
  /**
   * After `restarting`: how long to wait for the new process's `starting` before the socket is re-opened without it. A
   * young kernel comes back on other ports, and then nothing of it arrives on the old socket (trap 42).
   */
  settleMs: 2_000,
  /** After `exit()`: how long until the gateway should have noticed that the process is gone (it looks every 3 s). */
  exitMs: 5_000,
  /** A `shutdown_reply` without what follows it: when to look whether the kernel is gone. */
  shutdownLookMs: 1_000,
  /** An idle kernel that says nothing for so long, although it is asked, does not get what we write on this websocket. */
  staleMs: 5_000,
  /** Between looks at a JupyterHub that does not tell how the start of its server goes on. */
  hubLookMs: 1_000,
  /** Messages of an earlier process's execution wait this long for `resume`. */
  unclaimedMs: 10_000,
};

export type GatewayTimings = typeof DEFAULT_TIMINGS;
