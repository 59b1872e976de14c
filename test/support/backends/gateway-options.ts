export type GatewayOptions = {
  /** Empty: none is asked for. Not given: a random one. */
  token?: string;
  /** More command line options, such as `--MappingKernelManager.cull_idle_timeout=3`. */
  extraArguments?: string[];
  /** The server's own output limits, where it has them; off unless wanted. */
  isRateLimited?: boolean;
};
