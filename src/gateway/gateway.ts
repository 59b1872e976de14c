import type { Execution, ExecuteRequest, ExecutionCheckpoint, Output, ResumeRequest } from './outputs.ts';

/** The public interface of the gateway client: what a caller may ask of a Kernel Gateway. */

/** Receives the client's log lines; a pino logger fits. */
export interface Log {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface ClientOptions {
  log: Log;
  /** Headers that expire; `RenewingCredentials` gets them from a command or a file. */
  credentials?: Credentials | undefined;
  /**
   * Called right before each message that a kernel acts on, each upgrade and each POST or DELETE. If false, nothing is
   * written: an execution ends as `writesPaused`, a call rejects with that code, an input reply or interrupt is sent
   * later.
   */
  mayWrite?: () => boolean;
  /** Removes secrets from the body of a refusal, which may quote our request. */
  hide?: ((text: string) => string) | undefined;
}

export interface Credentials {
  /** Called before each REST request and each websocket upgrade; these headers override those of the settings. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /**
   * The gateway refused a request that carried these headers (names in lower case). Resolves with true if there are
   * new ones, and the request is repeated once. Rejects if they cannot be had.
   */
  renew(refused: Readonly<Record<string, string>>): Promise<boolean>;
}

export interface Kernelspec {
  name: string;
  displayName: string;
  /** As the kernelspec writes it: `python`, `scala`, `R`. */
  language: string;
}
export interface Kernelspecs {
  default: string;
  list: readonly Kernelspec[];
}

export interface KernelModel {
  id: string;
  name: string;
  /** starting, idle, busy, restarting, dead, or any other string. It does not show readiness (protocol.md §1.1). */
  executionState: string;
  connections?: number | undefined;
  /** Why the kernel is dead, if the server says. */
  reason?: string | undefined;
}

export interface KernelInfo {
  /** The kernel's own name (`ipython`, `IRkernel`; `Apache Toree` for its `spark`); empty until it has answered. */
  implementation: string;
  /** The implementation's, as the kernel says it; empty where it does not. */
  version: string;
}

/**
 * ipykernel handles shell messages in order, so its kernel_info_reply proves that earlier requests are done
 * (protocol.md §3.8). Its messages identify its process (§3.7), and it drops input that came before it asked
 * (`_input_request`).
 */
export function isIpykernel({ implementation }: KernelInfo): boolean {
  return implementation === 'ipython';
}

export interface StartKernel {
  kernelspec: string;
  /** A UUID chosen by the caller; KG 3 and EG use it. Others choose their own, so use the returned model's id. */
  kernelId: string;
  /** An earlier start with this id may have succeeded, so its kernel is looked for first. */
  isRepeated?: boolean;
  /** The complete environment, without secrets. */
  env: Readonly<Record<string, string>>;
  /** Who asked for the start. Waiting starts take turns by owner; by default all belong to one. */
  owner?: string;
  /**
   * Called with the time (ms since the epoch) when a JupyterHub began to start its server; undefined once that runs.
   */
  onServer?: (sinceMs: number | undefined) => void;
  /** Called with the number of starts that come before this one, while it waits. */
  onTurn?: (before: number) => void;
  /** Aborting gives the start up: its kernel is deleted, even if the gateway's answer was lost. */
  signal?: AbortSignal;
  /** Aborting hands the start over to another owner, who may repeat it: its kernel is not looked for or deleted. */
  release?: AbortSignal;
  onLost?: OnLost;
}

/**
 * Called with true when the kernel of a start is left to this client to delete, and with false once that is over. If this
 * process ends in between, the caller gives the id to `removeLost` of another.
 */
export type OnLost = (kernelId: string, isLost: boolean) => void;

/** All methods reject with a `GatewayError`. */
export interface Gateway {
  /** `GET api`. */
  readInfo(signal?: AbortSignal): Promise<{ version: string; gatewayVersion?: string | undefined }>;
  /** `GET api/kernelspecs`. */
  readKernelspecs(signal?: AbortSignal): Promise<Kernelspecs>;
  /** `GET api/kernels`; undefined where the gateway refuses to list. */
  listKernels(signal?: AbortSignal): Promise<KernelModel[] | undefined>;
  /**
   * `POST api/kernels`. If no answer comes, the kernel is deleted by its chosen id unless a start with this id is
   * repeated first. `startFailed` carries the gateway's reason.
   */
  startKernel(start: StartKernel): Promise<KernelModel>;
  /** Deletes the kernel of a start that was lost or given up, in the background, also if it comes up later. */
  removeLost(kernelId: string, onLost: OnLost): void;
  /**
   * Starts a stopped JupyterHub server and waits for it; absent without a hub. Only this and `startKernel` start it.
   */
  startServer?(): Promise<void>;
  /** `GET api/kernels/{id}`; undefined for 404. */
  findKernel(kernelId: string, signal?: AbortSignal): Promise<KernelModel | undefined>;
  /** `POST …/restart`. Variables are lost; runs in flight end as `kernelRestarted`. Rejects with `kernelGone`, too. */
  restartKernel(kernelId: string): Promise<void>;
  /** `DELETE api/kernels/{id}`; also resolves if the kernel is already gone. */
  shutDownKernel(kernelId: string): Promise<void>;
  /** Opens the one websocket to this kernel and waits for its answer. Rejects with `kernelGone`, `startFailed`, … */
  connect(kernelId: string, options: ConnectOptions): Promise<KernelConnection>;
  /**
   * The cookies that tell a load balancer which replica has this kernel, for the caller to store with the kernel;
   * undefined if there are none. They may be credentials.
   */
  saveCookies(kernelId: string): string | undefined;
  /** Takes the cookies that an earlier process stored. */
  restoreCookies(kernelId: string, saved: string): void;
  /** Closes every connection and the HTTP pool; the kernels keep running. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Unchanged over reconnects and restarts of the caller: only the same id gets the replay (protocol.md §2.2). */
  sessionId: string;
  signal?: AbortSignal;
  /**
   * Aborted when the calling process ends. `connect` then resolves as soon as the websocket has opened, with the
   * connection already closed; what the gateway replayed on it can be resumed.
   */
  leave?: AbortSignal;
  /** The checkpoint of the execution to be resumed, if the earlier process could store one. */
  checkpoint?: ExecutionCheckpoint | undefined;
  /** Called with all events from the opening on, in order. An error that it throws is logged. */
  onEvent?: (event: ConnectionEvent) => void;
}

export type ConnectionEvent =
  /** A new process has the kernel's id. `automatic`: the gateway replaced one that died, else somebody restarted it. */
  | { kind: 'kernelRestarted'; automatic: boolean }
  /** 404 or `dead`. The connection closes by itself. */
  | { kind: 'kernelGone'; detail: string }
  | { kind: 'disconnected' }
  | { kind: 'reconnected' }
  /** Output of an execution that has ended (threads, updates of old displays). */
  | { kind: 'lateOutput'; msgId: string; output: Output };

export interface KernelConnection {
  readonly kernelId: string;
  readonly sessionId: string;
  readonly kernelInfo: KernelInfo;
  /** Identifies the kernel's process: it changes with each new process. Empty if the kernel does not identify it. */
  readonly process: string;
  /** Another client's code is running, so what is sent now waits for it. */
  readonly isBusyElsewhere: boolean;
  /**
   * False once the kernel is known to be gone. The websocket of a deleted or culled kernel stays open (protocol.md
   * §2.7), so the gateway is asked unless the kernel sent something a moment ago. Rejects with `GatewayError` if
   * the websocket is lost and the gateway does not answer.
   */
  isThere(signal: AbortSignal): Promise<boolean>;
  /** Writes one execute_request (never twice) and follows it to its end. */
  execute(request: ExecuteRequest): Execution;
  /**
   * Resumes an execution that an earlier process wrote with this session id: the replay and what follows. Must be
   * called before any `execute` and within 10 s of connecting; after that the replay is dropped. Ends as `unknown`
   * if the kernel is idle and nothing of the execution arrives, and as `kernelRestarted` if the kernel is no longer
   * the one that `process` names.
   */
  resume(request: ResumeRequest): Execution;
  /**
   * Opens a comm to a plugin in the kernel; call it only while nothing runs there. Resolves with true if the plugin
   * answers and false if there is no such target, and stays pending until the kernel says one of the two. The
   * plugin's messages then arrive as `comm` outputs of the execution under way, if any.
   */
  openComm(target: string): Promise<boolean>;
  /**
   * Closes the websocket; the kernel keeps running. Unfinished executions are left for a later `resume`: their
   * outputs end, their `end` never settles, and `checkpoint` says how far they got.
   */
  close(): Promise<void>;
}

/** The address of a gateway and how to connect to it. */
export interface GatewaySettings {
  /** REST root; may have a path prefix and a trailing slash: `https://host:8443/gateway/default/jkg/`. */
  httpUrl: string;
  /** Websocket root: `wss://host:8443/gateway/default/jkgws/`. */
  wsUrl: string;
  user?: string | undefined;
  pass?: string | undefined;
  token?: string | undefined;
  /** The word before `token`, by default `token`; empty to send the token alone. */
  authScheme?: string | undefined;
  /** The header that carries `token`, by default `Authorization`. */
  authHeader?: string | undefined;
  headers: Readonly<Record<string, string>>;
  /** Relative to both roots, without a slash at either end; by default `api/kernels` and `api/kernelspecs`. */
  kernelsPath?: string | undefined;
  kernelspecsPath?: string | undefined;
  /** Additional fields of a start's body; `name`, `kernel_id` and `env` are set by the client. */
  startBody?: Readonly<Record<string, unknown>> | undefined;
  /** PEM texts, and the passphrase of an encrypted key. */
  tls: { verify: boolean } & Partial<Record<'ca' | 'cert' | 'key' | 'passphrase', string | undefined>>;
  /**
   * HTTP proxies with CONNECT, `http://user:password@host:3128`, for https and wss addresses. The caller decides
   * which of the two roots uses which proxy.
   */
  proxies?: { rest?: string | undefined; websocket?: string | undefined };
  /** Set if the gateway is a JupyterHub user's server, which is started when it is stopped. */
  hub?: HubSettings | undefined;
  launchTimeoutMs: number;
  maxMessageBytes: number;
  /** How many starts may be under way at once in this process (more than one may leak `env`, protocol.md §1.3). */
  startConcurrency: number;
}

export interface HubSettings {
  /** `https://hub.example.com/hub/api/`. */
  apiUrl: string;
  /** Must be allowed to read the user and to start the server. */
  token: string;
  user: string;
  /** Empty: the user's default server. */
  server: string;
  /** A proxy with CONNECT, as in `proxies`. */
  proxy?: string | undefined;
}
