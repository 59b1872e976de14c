/** The gateway could not do its part; an operator must act. `status` is the HTTP status where there was one. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: GatewayErrorCode;
  readonly status: number | undefined;
  constructor(
    code: GatewayErrorCode,
    message: string,
    details: { status?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.code = code;
    this.status = details.status;
  }
}
export type GatewayErrorCode =
  /** No answer: refused connection, DNS, reset, time-out. */
  | 'unreachable'
  /** The TLS certificate is not trusted or does not fit. */
  | 'untrusted'
  /** 401, 403 on credentials, or a redirect to a login page. */
  | 'unauthorized'
  /** The caller's credentials could not be had, so nothing was sent: the message says why. */
  | 'noCredentials'
  /** The gateway said no (limit of kernels, forbidden user, bad request); the message carries its reason. */
  | 'refused'
  /** 404 for a kernel id, on REST or on the upgrade. */
  | 'kernelGone'
  /** 424: the gateway is a server of JupyterHub, and is stopped. */
  | 'serverStopped'
  /** The kernel did not start: the gateway's reason, or the launch time-out. */
  | 'startFailed'
  /** An answer that is no Jupyter answer (HTML, broken JSON, missing fields). */
  | 'badAnswer'
  /** Nothing was sent: the caller's `mayWrite` said that this process may change nothing at the moment. */
  | 'writesPaused';
