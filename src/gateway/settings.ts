/** Where a gateway is and how it is spoken to. */
export interface GatewaySettings {
  /** REST root, a path prefix and a trailing slash allowed: `https://host:8443/gateway/default/jkg/`. */
  httpUrl: string;
  /** Websocket root: `wss://host:8443/gateway/default/jkgws/`. */
  wsUrl: string;
  user?: string | undefined;
  pass?: string | undefined;
  token?: string | undefined;
  /** The word before `token`, by default `token`; empty: the token alone. */
  authScheme?: string | undefined;
  /** The header of `token`, by default `Authorization`. */
  authHeader?: string | undefined;
  headers: Readonly<Record<string, string>>;
  /** Below both roots, without a slash at either end; by default `api/kernels` and `api/kernelspecs`. */
  kernelsPath?: string | undefined;
  kernelspecsPath?: string | undefined;
  /** What a start's body holds beside `name`, `kernel_id` and `env`, which are the client's. */
  startBody?: Readonly<Record<string, unknown>> | undefined;
  /** PEM texts, and what opens the key where it is encrypted. */
  tls: { ca?: string; cert?: string; key?: string; passphrase?: string; verify: boolean };
  /**
   * HTTP proxies that open tunnels (CONNECT), `http://user:password@host:3128`, for addresses of https and wss; which of
   * the two roots takes which is the caller's to say.
   */
  proxies?: { rest?: string | undefined; websocket?: string | undefined };
  /** The gateway is the server of a JupyterHub's user, and is started when it is stopped. */
  hub?: HubSettings | undefined;
  launchTimeoutMs: number;
  maxMessageBytes: number;
  /** Starts under way at once in this process (protocol.md §1.3: more than one may leak env). */
  startConcurrency: number;
}

export interface HubSettings {
  /** `https://hub.example.com/hub/api/`. */
  apiUrl: string;
  /** May see the user and start the server. */
  token: string;
  user: string;
  /** Empty: the user's default server. */
  server: string;
  /** As `proxies`. */
  proxy?: string | undefined;
}
