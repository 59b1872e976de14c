import type { Execution, ExecuteRequest, ExecutionCheckpoint, Output, ResumeRequest } from './outputs.ts';

/** The face of the gateway client: what a caller may ask of a Kernel Gateway. */

/** Where the client's log lines go; pino's logger is one. */
export interface Log {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface ClientOptions {
  log: Log;
  /** Headers that do not last; `RenewingCredentials` has them from a command or a file. */
  credentials?: Credentials | undefined;
  /**
   * Asked right before each message that a kernel acts on and each POST or DELETE. False: nothing is written. An
   * execution ends as `notSent`, a call rejects as `writesPaused`, an input reply and an interrupt are tried again later.
   */
  mayWrite?: () => boolean;
}

export interface Credentials {
  /** Asked before each REST request and each websocket upgrade; these headers win over all of the settings'. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /**
   * The gateway refused a request with these headers among its own, in lower case. True: there are others by now, and
   * the request is repeated once. Never rejects.
   */
  renew(refused: Readonly<Record<string, string>>): Promise<boolean>;
}

export interface Kernelspec {
  name: string;
  displayName: string;
  /** As the kernelspec says it: `python`, `scala`, `R`. */
  language: string;
}
export interface Kernelspecs {
  default: string;
  list: readonly Kernelspec[];
}

export interface KernelModel {
  id: string;
  name: string;
  /** starting, idle, busy, restarting, dead, or anything else a server says. No readiness gate (protocol.md §1.1). */
  executionState: string;
  connections?: number | undefined;
  /** Why it is dead, where the server says. */
  reason?: string | undefined;
}

export interface KernelInfo {
  /** `ipython`, `IRkernel` … as the kernel says, `Apache Toree` for its `spark`; empty when it never answered. */
  implementation: string;
  /** The implementation's, as the kernel says it; empty where it does not. */
  version: string;
}

export interface StartKernel {
  kernelspec: string;
  /** A uuid chosen by the caller; honoured by KG 3 and EG. Only the returned model's id counts. */
  kernelId: string;
  /** An earlier start under this id may have come through: its kernel is looked for first. */
  isRepeated?: boolean;
  /** Complete, strings only, never a secret. */
  env: Readonly<Record<string, string>>;
  /** Whose start it is: those that wait take turns by owner. By default all are one owner's. */
  owner?: string;
  /**
   * Called when the start waits for a JupyterHub to start its server: since when, in ms since the epoch; undefined: it
   * runs.
   */
  onServer?: (sinceMs: number | undefined) => void;
  /** Called when the start has to wait its turn: how many are before it. */
  onTurn?: (before: number) => void;
  /** Aborted: the start is given up, and a kernel that comes of it is deleted, also after its answer was lost. */
  signal?: AbortSignal;
  /**
   * Aborted: what comes of the start is another owner's from now on, who may repeat it under the same id. The kernel is
   * neither looked for nor deleted any more.
   */
  release?: AbortSignal;
}

/** All methods throw `GatewayError`. */
export interface Gateway {
  /** `GET api`. */
  readInfo(signal?: AbortSignal): Promise<{ version: string; gatewayVersion?: string | undefined }>;
  /** `GET api/kernelspecs`. */
  readKernelspecs(signal?: AbortSignal): Promise<Kernelspecs>;
  /** `GET api/kernels`; undefined where the gateway refuses to list. */
  listKernels(signal?: AbortSignal): Promise<KernelModel[] | undefined>;
  /**
   * `POST api/kernels`. A kernel whose start was not answered is deleted by its chosen id, until a start
   * is repeated under that id. `startFailed` carries the gateway's reason.
   */
  startKernel(start: StartKernel): Promise<KernelModel>;
  /** Where the gateway is the server of a JupyterHub: resolves when that runs. Other calls but a start leave it stopped. */
  startServer?(): Promise<void>;
  /** `GET api/kernels/{id}`; undefined for 404. */
  findKernel(kernelId: string, signal?: AbortSignal): Promise<KernelModel | undefined>;
  /** `POST …/restart`. Variables are gone; runs in flight end as `kernelRestarted`. `kernelGone` when there is none. */
  restartKernel(kernelId: string): Promise<void>;
  /** `DELETE api/kernels/{id}`; resolves also when it was gone already. */
  shutDownKernel(kernelId: string): Promise<void>;
  /** Opens the one websocket to this kernel and waits until the kernel answers. Rejects with `kernelGone`, `startFailed`, … */
  connect(kernelId: string, options: ConnectOptions): Promise<KernelConnection>;
  /**
   * The cookies by which a balancer knows which replica has this kernel, to be stored with it; undefined where there are
   * none. They may be credentials.
   */
  saveCookies(kernelId: string): string | undefined;
  /** What an earlier process stored. */
  restoreCookies(kernelId: string, saved: string): void;
  /** Closes every connection and the HTTP pool; kernels stay. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Stable over reconnects and over restarts of the caller: only the same id gets the replay (protocol.md §2.2). */
  sessionId: string;
  signal?: AbortSignal;
  /**
   * Aborted: whoever asked ends. As soon as the websocket is open, `connect` resolves with the connection closed, and what
   * the gateway has replayed on it is there to be resumed.
   */
  leave?: AbortSignal;
  /** The checkpoint of the execution to be resumed, where its process had the time to give one. */
  checkpoint?: ExecutionCheckpoint | undefined;
  /** Told everything from the opening on, in order. What it throws is logged. */
  onEvent?: (event: ConnectionEvent) => void;
}

export type ConnectionEvent =
  /** Another process is behind the id. `automatic`: the gateway replaced one that died; else somebody restarted it. */
  | { kind: 'kernelRestarted'; automatic: boolean }
  /** 404 or `dead`. The connection closes itself. */
  | { kind: 'kernelGone'; detail: string }
  | { kind: 'disconnected' }
  | { kind: 'reconnected' }
  /** Output of an execution that has ended already (late threads, updates of old displays). */
  | { kind: 'lateOutput'; msgId: string; output: Output };

export interface KernelConnection {
  readonly kernelId: string;
  readonly sessionId: string;
  readonly kernelInfo: KernelInfo;
  /** Names the process behind the kernel's id: another one is another process. Empty where the kernel does not tell. */
  readonly process: string;
  /** Code of another client runs in the kernel: what is sent now waits behind it. */
  readonly isBusyElsewhere: boolean;
  /**
   * False once the kernel is known to be gone: the websocket to one that was deleted or culled stays open (protocol.md
   * §2.7), so the gateway is asked, unless something of the kernel came a moment ago. While the websocket is lost, it
   * rejects with `GatewayError` when the gateway gives no answer.
   */
  isThere(signal: AbortSignal): Promise<boolean>;
  /** Writes one execute_request (never twice) and follows it to its end. */
  execute(request: ExecuteRequest): Execution;
  /**
   * Resumes an execution that an earlier process wrote with this session id: its replay and what follows.
   * To be called before any `execute`, and within 10 s of connecting: then the replay is dropped. Ends as `unknown` when
   * the kernel is idle and nothing of it comes, as `kernelRestarted` when `process` is not the kernel's any more.
   */
  resume(request: ResumeRequest): Execution;
  /**
   * Opens a comm at a target of a plugin's in the kernel, while nothing runs there: true when it answers, false where there
   * is no such target; it waits for as long as the kernel says neither. What the plugin says from then on comes as `comm` of
   * the execution under way, if any.
   */
  openComm(target: string): Promise<boolean>;
  /**
   * Closes the websocket; the kernel stays. Executions that have not ended by then stay unfinished for a later
   * `resume`: their outputs end, their `end` never settles, and `checkpoint` says how far they came.
   */
  close(): Promise<void>;
}

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
  tls: { verify: boolean } & Partial<Record<'ca' | 'cert' | 'key' | 'passphrase', string | undefined>>;
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
