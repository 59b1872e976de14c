/** The gateway failed or refused, so the operator must act. `status` is the HTTP status if there was one. */
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
  /** No answer: connection refused or reset, DNS failure, timeout. */
  | 'unreachable'
  /** The TLS certificate is not trusted or does not match the host. */
  | 'untrusted'
  /** 401, 403 for the credentials, or a redirect to a login page. */
  | 'unauthorized'
  /** The caller's credentials could not be obtained, so nothing was sent. The message says why. */
  | 'noCredentials'
  /** The gateway refused (kernel limit, forbidden user, bad request); the message carries its reason. */
  | 'refused'
  /** 404 for a kernel id, by REST or at the upgrade. */
  | 'kernelGone'
  /** 424: the gateway is a JupyterHub server that is stopped. */
  | 'serverStopped'
  /** The kernel did not start: the gateway's reason, or the launch timeout. */
  | 'startFailed'
  /** The answer is not from a Jupyter API (HTML, broken JSON, missing fields). */
  | 'badAnswer'
  /** Nothing was sent because the caller's `mayWrite` returned false. */
  | 'writesPaused';
