/** Every timeout and delay of the gateway client, in milliseconds. Only tests change them. */
export const DEFAULT_TIMINGS = {
  /** One GET or interrupt, all attempts together; a DELETE has three times as long. */
  callMs: 10_000,
  /** How long a start may take beyond the launch timeout before its answer counts as lost (protocol.md §1.3). */
  startPadMs: 10_000,
  /** Between two searches for a kernel whose start was not answered. */
  lostStartLookMs: 5_000,
  /** Between two requests for the kernel's model during an upgrade (a dead kernel holds it for 60 s). */
  upgradeLookMs: 1_500,
  /** Timeout for one such request. */
  lookTimeoutMs: 5_000,
  /** First wait for a kernel_info_reply; each further one is twice as long. */
  kernelInfoMs: 1_000,
  /** How long a message proves that its kernel is alive. */
  seenMs: 5_000,
  /**
   * Time between pings while executions are in flight, and while there are none. After two unanswered pings the
   * socket counts as dead.
   */
  busyPingMs: 2_000,
  idlePingMs: 25_000,
  /** How long an execution in flight may be silent before the kernel's model is requested. */
  silenceMs: 8_000,
  /** The same directly after a reconnect or a resume. */
  firstLookMs: 1_500,
  /** How long to wait for the reply after the idle (protocol.md §3.3). */
  graceMs: 3_000,
  /**
   * How long to wait for the idle after the reply: a reply overtakes tens of MB of output, and a busy gateway takes
   * a while to pass those on.
   */
  idleGraceMs: 15_000,
  /**
   * How long to wait after reply and idle for kernels that send outputs later: Toree did 260 ms later on a busy
   * machine.
   */
  lingerMs: 400,
  /** How long to wait for the `error` message after an error reply without one. */
  errorLingerMs: 1_000,
  /** How long to wait after somebody else's interrupt, which may announce a restart or a deletion. */
  goodbyeMs: 1_500,
  /** Least time between two interrupts of a kernel: Toree takes two within 3 s as a shutdown (protocol.md §3.6). */
  interruptGapMs: 4_000,
  stopIgnoredMs: 10_000,
  /** How long a lost socket may stay closed before its executions are notified. */
  outageMs: 2_000,
  /** Reopening a socket: first delay, longest delay, and limit for all attempts. */
  reopenMs: 100,
  reopenMaxMs: 5_000,
  reopenTimeoutMs: 300_000,
  /** After a socket has been open for this long, the next reopening begins with the first delay again. */
  steadyMs: 10_000,
  /**
   * After `restarting`: how long to wait for the new process's `starting` before the socket is reopened anyway. A
   * young kernel may use other ports, in which case nothing more arrives on the old socket (trap 42).
   */
  settleMs: 2_000,
  /** After `exit()`: how long until the gateway has noticed that the process is gone (it checks every 3 s). */
  exitMs: 5_000,
  /** After a `shutdown_reply` that nothing follows: how long until the kernel is looked for. */
  shutdownLookMs: 1_000,
  /** After this much silence a kernel that is idle but does not answer counts as cut off from this websocket. */
  staleMs: 5_000,
  /** Between two requests for the state of a JupyterHub server that is being started. */
  hubLookMs: 1_000,
  /** How long messages of an earlier process's execution wait for `resume`. */
  unclaimedMs: 10_000,
};

export type GatewayTimings = typeof DEFAULT_TIMINGS;
