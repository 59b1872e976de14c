import { isDeepStrictEqual } from 'node:util';
import type { GatewaySettings } from '../gateway/gateway.ts';
import type { Findings } from './issues.ts';
import { readServiceCredentials, type ServiceCredentials } from './service-credentials.ts';
import type { SettingValues } from './schema.ts';
import { type NamedPath, readTlsSettings } from './tls.ts';

/**
 * Where the gateway is and how it is spoken to, out of three sources: KG_ settings win over Jupyter Server's names,
 * and these over the service credentials. Undefined, with the problems told, when there is no gateway to speak to.
 */
export function readGatewaySettings(values: SettingValues, findings: Findings): GatewaySettings | undefined {
  const given = withTwins(values, findings);
  const credentials =
    values.KG_SERVICE_CREDENTIALS === undefined
      ? undefined
      : readServiceCredentials(values.KG_SERVICE_CREDENTIALS, findings);
  if (credentials !== undefined) warnOfConflicts(given, credentials, findings);

  const httpUrl = given.httpUrl ?? credentials?.httpUrl;
  const user = given.user ?? credentials?.user;
  const pass = given.pass ?? credentials?.pass;
  const tls = readTlsSettings(given, given.verify ?? true, findings);
  checkCredentials({ user, pass, headers: given.headers }, findings);
  if (!tls.verify)
    findings.warnings.push(
      'VALIDATE_KG_CERT is false: the gateway’s certificate is NOT checked, so anybody on the way can read and change code, output and passwords.',
    );
  if (httpUrl === undefined) {
    const told = ['KG_URL', 'JUPYTER_GATEWAY_URL'].some((name) => findings.unread.has(name));
    if (!told && values.KG_SERVICE_CREDENTIALS === undefined)
      findings.problems.push(
        'KG_URL is missing: the gateway’s root, such as https://host:8888/ (or JUPYTER_GATEWAY_URL, or KG_SERVICE_CREDENTIALS).',
      );
    return undefined;
  }
  const wsUrl = given.wsUrl ?? websocketRoot(httpUrl, credentials);
  if (httpUrl.startsWith('https:') && wsUrl.startsWith('ws:'))
    findings.warnings.push('KG_WS_URL is not encrypted although KG_URL is: use wss.');
  return {
    httpUrl,
    wsUrl,
    ...(user === undefined ? {} : { user }),
    ...(pass === undefined ? {} : { pass }),
    ...(given.token === undefined ? {} : { token: given.token }),
    headers: given.headers,
    tls,
    launchTimeoutMs: values.KERNEL_LAUNCH_TIMEOUT,
    maxMessageBytes: values.MAX_MESSAGE,
    startConcurrency: values.START_CONCURRENCY,
  };
}

/** The credentials' websocket root belongs to their HTTP root: to another one it would be a stranger. */
function websocketRoot(httpUrl: string, credentials: ServiceCredentials | undefined): string {
  const theirs = credentials?.httpUrl === httpUrl ? credentials.wsUrl : undefined;
  return theirs ?? httpUrl.replace(/^http/, 'ws');
}

function withTwins(values: SettingValues, findings: Findings) {
  const either = <Value>(
    name: string,
    value: Value | undefined,
    twinName: string,
    twin: Value | undefined,
  ) => {
    if (value !== undefined && twin !== undefined && !isDeepStrictEqual(value, twin))
      findings.warnings.push(`${name} and ${twinName} differ; ${name} is used.`);
    return value ?? twin;
  };
  const path = (
    name: keyof SettingValues & `KG_${string}`,
    twinName: keyof SettingValues & `JUPYTER_${string}`,
  ) => {
    const [own, twin] = [values[name], values[twinName]];
    const found = either(name, own, twinName, twin);
    return typeof found === 'string'
      ? ({ name: own === undefined ? twinName : name, path: found } satisfies NamedPath)
      : undefined;
  };
  return {
    httpUrl: either('KG_URL', values.KG_URL, 'JUPYTER_GATEWAY_URL', values.JUPYTER_GATEWAY_URL),
    wsUrl: either('KG_WS_URL', values.KG_WS_URL, 'JUPYTER_GATEWAY_WS_URL', values.JUPYTER_GATEWAY_WS_URL),
    user: either(
      'KG_HTTP_USER',
      values.KG_HTTP_USER,
      'JUPYTER_GATEWAY_HTTP_USER',
      values.JUPYTER_GATEWAY_HTTP_USER,
    ),
    pass: either(
      'KG_HTTP_PASS',
      values.KG_HTTP_PASS,
      'JUPYTER_GATEWAY_HTTP_PWD',
      values.JUPYTER_GATEWAY_HTTP_PWD,
    ),
    token: either(
      'KG_AUTH_TOKEN',
      values.KG_AUTH_TOKEN,
      'JUPYTER_GATEWAY_AUTH_TOKEN',
      values.JUPYTER_GATEWAY_AUTH_TOKEN,
    ),
    headers:
      either('KG_HEADERS', values.KG_HEADERS, 'JUPYTER_GATEWAY_HEADERS', values.JUPYTER_GATEWAY_HEADERS) ??
      {},
    verify: either(
      'VALIDATE_KG_CERT',
      values.VALIDATE_KG_CERT,
      'JUPYTER_GATEWAY_VALIDATE_CERT',
      values.JUPYTER_GATEWAY_VALIDATE_CERT,
    ),
    ca: path('KG_CLIENT_CA', 'JUPYTER_GATEWAY_CA_CERTS'),
    cert: path('KG_CLIENT_CERT', 'JUPYTER_GATEWAY_CLIENT_CERT'),
    key: path('KG_CLIENT_KEY', 'JUPYTER_GATEWAY_CLIENT_KEY'),
  };
}

function warnOfConflicts(
  given: { [Key in keyof ServiceCredentials]: ServiceCredentials[Key] | undefined },
  credentials: ServiceCredentials,
  findings: Findings,
): void {
  const names = {
    httpUrl: 'KG_URL',
    wsUrl: 'KG_WS_URL',
    user: 'KG_HTTP_USER',
    pass: 'KG_HTTP_PASS',
  } as const;
  for (const key of ['httpUrl', 'wsUrl', 'user', 'pass'] as const) {
    const [own, theirs] = [given[key], credentials[key]];
    if (own !== undefined && theirs !== undefined && own !== theirs)
      findings.warnings.push(
        `${names[key]} differs from what KG_SERVICE_CREDENTIALS says; ${names[key]} is used.`,
      );
  }
}

function checkCredentials(
  given: { user: string | undefined; pass: string | undefined; headers: Readonly<Record<string, string>> },
  findings: Findings,
): void {
  const unread = (...names: string[]) => names.some((name) => findings.unread.has(name));
  if (
    given.user !== undefined &&
    given.pass === undefined &&
    !unread('KG_HTTP_PASS', 'JUPYTER_GATEWAY_HTTP_PWD')
  )
    findings.problems.push('KG_HTTP_PASS is missing: KG_HTTP_USER needs it.');
  if (
    given.pass !== undefined &&
    given.user === undefined &&
    !unread('KG_HTTP_USER', 'JUPYTER_GATEWAY_HTTP_USER')
  )
    findings.problems.push('KG_HTTP_USER is missing: KG_HTTP_PASS needs it.');
  if (given.user?.includes(':'))
    findings.problems.push('KG_HTTP_USER must not contain a colon: HTTP Basic cannot carry it.');
  const hasAuthorization = Object.keys(given.headers).some((name) => name.toLowerCase() === 'authorization');
  if (hasAuthorization && given.user !== undefined)
    findings.problems.push('KG_HEADERS has an Authorization header beside KG_HTTP_USER: give one of them.');
}
