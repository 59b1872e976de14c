export type GatewayOptions = {
  /** Empty: none is needed. Not given: a random one. */
  token?: string;
  /** More command line options, such as `--MappingKernelManager.cull_idle_timeout=3`. */
  extraArguments?: string[];
  /** Turns the server's own output limits on, if it has any. */
  isRateLimited?: boolean;
};
