import { GatewayError, type GatewayErrorCode } from '../errors.ts';
import { isRecord, readJson } from '../protocol/json.ts';

/** Failures of calls and upgrades → `GatewayError`; pure. Source: protocol.md §1.2. */

/** A response. The body is text, because gateways and proxies send JSON, HTML or nothing. */
export interface Answer {
  status: number;
  location?: string | undefined;
  body: string;
  /** Its Set-Cookie headers. */
  setCookies?: readonly string[];
}

/**
 * The gateway's reason for a refusal, to be put into a sentence of ours: `message`, else `reason`, without a full stop.
 * Never its traceback or HTML (protocol.md §1.2).
 */
export function readReason(answer: Answer): string {
  const body = readJson(answer.body);
  if (!isRecord(body)) return '';
  for (const key of ['message', 'reason']) {
    const words = body[key];
    if (typeof words === 'string' && words.trim() !== '') return oneLine(words);
  }
  return '';
}

function pageTitle(body: string): string {
  return /<title>([^<]{0,200})/i.exec(body)?.[1] ?? '';
}

/** Where a redirect leads, without its query, which may be secret; a path if it is on the same host. */
function readPlace(location = ''): string {
  const url = location === '' ? null : URL.parse(location, SAME_HOST);
  if (url === null) return '';
  return ` to ${url.origin === SAME_HOST ? '' : url.origin}${url.pathname}`.slice(0, 300);
}

const SAME_HOST = 'http://same.invalid';

/** The error for a response that is not what was asked for: `what`, e.g. `the list of kernelspecs`. */
export function readRefusal(answer: Answer, what: string): GatewayError {
  const { status } = answer;
  const reason = readReason(answer);
  // The title of a proxy's page begins with the status. It proves nothing.
  const words = reason === '' ? oneLine(pageTitle(answer.body).replace(String(status), '')) : reason;
  const said = words === '' ? `status ${status}` : `status ${status}: ${words}`;
  const as = (code: GatewayErrorCode, sentence: string) => new GatewayError(code, sentence, { status });
  if (asksForLogin(answer))
    return as('unauthorized', `The gateway sent us to a login page (status ${status})`);
  if (status >= 200 && status < 300) {
    const kind = isHtml(answer.body) ? 'an HTML page' : 'something else';
    return as('badAnswer', `Asked for ${what}, the gateway answered with ${kind}`);
  }
  if (status === 401 || (status === 403 && isCredentialReason(reason)))
    return as('unauthorized', `The gateway does not accept our user, password or token (${said})`);
  if (status === 424) return as('serverStopped', 'The JupyterHub server is stopped (status 424)');
  if (status >= 300 && status < 400)
    return as('badAnswer', `The gateway redirected us${readPlace(answer.location)} (status ${status})`);
  // nginx says so by its page alone.
  if (status === 400 && words.includes('SSL certificate'))
    return as('unauthorized', `The gateway does not accept our client certificate (${said})`);
  if (status === 429) return as('unreachable', `Too many requests reach the gateway just now (${said})`);
  if (isGatewayAway(status)) return gatewayAway(status, said);
  if (status >= 500) return as('badAnswer', `The gateway failed on ${what} (${said})`);
  return as('refused', `The gateway refused ${what} (${said})`);
}

export function gatewayAway(status: number, said = `status ${status}`): GatewayError {
  return new GatewayError('unreachable', `The gateway is not there behind its proxy (${said})`, { status });
}

/** `status` 424: it went with its server. */
export function kernelGone(kernelId: string, status = 404): GatewayError {
  const words =
    status === 424
      ? 'The JupyterHub server was stopped, and its kernels with it'
      : `The gateway has no kernel ${kernelId} any more`;
  return new GatewayError('kernelGone', words, { status });
}

/**
 * The status, or 424 for a redirect to the hub's page for a user's server: JupyterHub redirects GETs and upgrades there
 * while that server does not run, and answers 424 there (protocol.md §1.6).
 */
export function readStatus(status: number, location: string | undefined): number {
  return status === 302 && /\/hub\/user\//.test(location ?? '') ? 424 : status;
}

/**
 * Whether a hub may have answered in place of a stopped server: to a POST or DELETE it says 405, or 403 with HTML or
 * about `_xsrf`, which a server that gets its token never asks for.
 */
export function mayBeFromHub(answer: Answer): boolean {
  const { status } = answer;
  const reason = readReason(answer);
  return status === 424 || status === 405 || (status === 403 && (reason === '' || /xsrf/i.test(reason)));
}

/** Whether a proxy sends this status in place of the gateway; those over 519 are Cloudflare’s. */
export function isGatewayAway(status: number): boolean {
  return status === 502 || status === 503 || status === 504 || (status >= 520 && status <= 530);
}

/** Jupyter Server's 403 for a missing token (protocol.md §1.2); Kernel Gateway's own 403s name a limit or a user. */
function isCredentialReason(reason: string): boolean {
  return reason === '' || /^forbidden$/i.test(reason) || /_xsrf/.test(reason);
}

/** Words in the addresses of identity providers. */
const LOGIN_PLACE = /login|logon|signin|sso|oauth|saml|auth/i;
/** A form field for a password, or one that sends the browser to an identity provider. */
const LOGIN_FIELD = /type=["']?password|name=["']?SAMLRequest/i;

/** Whether new credentials may help: 401, 403, or a login page, which identity proxies send when a token has expired. */
export function isRefusedCredential(answer: Answer): boolean {
  return answer.status === 401 || answer.status === 403 || asksForLogin(answer);
}

function asksForLogin({ status, location, body }: Answer): boolean {
  if (status >= 300 && status < 400) return LOGIN_PLACE.test(location ?? '');
  if (!isPage({ status, body })) return false;
  const place = /http-equiv=["']?refresh.{0,200}|location.{0,9}=.{0,200}/i.exec(body)?.[0] ?? '';
  return LOGIN_FIELD.test(body) || /(?:sign|log)[ -]?in\b/i.test(pageTitle(body)) || LOGIN_PLACE.test(place);
}

/** Whether the answer is a success with an HTML page as its body. */
export function isPage({ status, body }: Answer): boolean {
  return status >= 200 && status < 300 && isHtml(body);
}

function isHtml(body: string): boolean {
  return /^\s*</.test(body);
}

/** OpenSSL's verification errors, and Node's own for a host name that does not match. */
const UNTRUSTED =
  /^((DEPTH_ZERO_)?SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_|INVALID_(CA|PURPOSE)|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME)/;
/** TLS alerts with which the server refuses our client certificate or asks for one. */
const CERTIFICATE_REFUSED = /ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED)/;

/** The error for a call or upgrade without a response. */
export function readFailure(failure: unknown, root: string): GatewayError {
  if (failure instanceof GatewayError) return failure;
  const refusal = /^Proxy response \((\d{3})\)/.exec(failure instanceof Error ? failure.message : '')?.[1];
  if (refusal !== undefined) return proxyRefusal(Number(refusal), root);
  const code = errorCode(failure);
  const as = (kind: GatewayErrorCode, words: string) =>
    new GatewayError(kind, `${words} (${code})`, { cause: failure });
  if (UNTRUSTED.test(code)) return as('untrusted', `The certificate of ${root} is not trusted`);
  if (CERTIFICATE_REFUSED.test(code))
    return as('unauthorized', `The gateway at ${root} does not accept our client certificate`);
  return as('unreachable', `The gateway at ${root} gives no answer`);
}

/** The error for a proxy that refuses a tunnel to `root`. */
export function proxyRefusal(status: number, root: string): GatewayError {
  const why = status === 407 ? ', because it wants another user or password' : '';
  return new GatewayError(
    'unreachable',
    `There is no way to the gateway at ${root}: the proxy answers with status ${status}${why}`,
  );
}

/** `ECONNREFUSED`, `UND_ERR_…`, `DEPTH_ZERO_…`; an `AggregateError` (several addresses) counts as its first error. */
function errorCode(failure: unknown): string {
  if (!(failure instanceof Error)) return 'unknown';
  if ('code' in failure && typeof failure.code === 'string') return failure.code;
  if (failure instanceof AggregateError) return errorCode(failure.errors[0]);
  return failure.cause === undefined ? failure.name : errorCode(failure.cause);
}

function oneLine(words: string): string {
  const line = words.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, '');
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
