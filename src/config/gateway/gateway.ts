import { isDeepStrictEqual } from 'node:util';
import type { GatewaySettings, HubSettings } from '../../gateway/gateway.ts';
import { proxyFor, type ProxySettings } from '../../proxy.ts';
import type { SettingValues } from '../settings.ts';
import type { ConfigIssues } from '../setting.ts';
import { readServiceCredentials, readTlsSettings, type ServiceCredentials } from './credential-files.ts';

/**
 * Where the gateway is and how it is spoken to, out of three sources: KG_ settings win over Jupyter Server's names,
 * and these over the service credentials. Undefined, with the problems added, when there is no gateway to speak to.
 */
export function readGatewaySettings(
  values: SettingValues,
  proxy: ProxySettings | undefined,
  issues: ConfigIssues,
): GatewaySettings | undefined {
  const given = withAliases(values, issues);
  const { KG_SERVICE_CREDENTIALS: path } = values;
  const credentials = path === undefined ? undefined : readServiceCredentials(path, issues);
  if (credentials !== undefined) warnOfConflicts(given, credentials, issues);

  const hub = readHubSettings(values, proxy, issues);
  const httpUrl = given.httpUrl ?? credentials?.httpUrl ?? (hub === undefined ? undefined : serverUrl(hub));
  const user = given.user ?? credentials?.user;
  const pass = given.pass ?? credentials?.pass;
  const { KG_CLIENT_KEY_PASSPHRASE: passphrase } = values;
  const trust = { verify: given.verify ?? true, ...(passphrase === undefined ? {} : { passphrase }) };
  const tls = readTlsSettings(given, trust, issues);
  checkCredentials(user, pass, given.headers, issues);
  if (!tls.verify)
    issues.warnings.push(
      'VALIDATE_KG_CERT is false: the gateway’s certificate is NOT checked, so anybody on the way can read and change code, output and passwords.',
    );
  if (httpUrl === undefined) {
    const isElsewhere = path !== undefined || values.JUPYTERHUB_API_URL !== undefined;
    if (!wasGiven(issues, 'KG_URL', 'JUPYTER_GATEWAY_URL', 'JUPYTERHUB_API_URL') && !isElsewhere)
      issues.problems.push(
        'KG_URL is missing: the gateway’s root, such as https://host:8888/ (or JUPYTER_GATEWAY_URL, or KG_SERVICE_CREDENTIALS).',
      );
    return undefined;
  }
  const wsUrl = given.wsUrl ?? websocketRoot(httpUrl, credentials);
  if (httpUrl.startsWith('https:') && wsUrl.startsWith('ws:'))
    issues.warnings.push('KG_WS_URL is not encrypted although KG_URL is: use wss.');
  const hasNoCredentials =
    user === undefined &&
    given.token === undefined &&
    values.KG_AUTH_COMMAND === undefined &&
    values.KG_AUTH_TOKEN_FILE === undefined &&
    !Object.keys(given.headers).some((name) => name.toLowerCase() === 'authorization');
  const token =
    hasNoCredentials && hub !== undefined && isOfHub(httpUrl, hub) && isOfHub(wsUrl, hub)
      ? hub.token
      : given.token;
  return {
    httpUrl,
    wsUrl,
    user,
    pass,
    token,
    hub,
    authScheme: given.authScheme,
    authHeader: given.authHeader,
    headers: given.headers,
    tls,
    proxies: { rest: proxyFor(httpUrl, proxy), websocket: proxyFor(wsUrl, proxy) },
    kernelsPath: values.KG_KERNELS_PATH,
    kernelspecsPath: values.KG_KERNELSPECS_PATH,
    startBody: values.KERNEL_BODY,
    launchTimeoutMs: values.KERNEL_LAUNCH_TIMEOUT,
    maxMessageBytes: values.MAX_MESSAGE,
    startConcurrency: values.START_CONCURRENCY,
  };
}

/** Given and unreadable: that is reported already, so the setting is not called missing as well. */
function wasGiven({ unread }: ConfigIssues, ...names: readonly (keyof SettingValues)[]): boolean {
  return names.some((name) => unread.has(name));
}

/** The credentials' websocket root belongs to their HTTP root: to another one it would be a stranger. */
function websocketRoot(httpUrl: string, credentials: ServiceCredentials | undefined): string {
  const theirs = credentials?.httpUrl === httpUrl ? credentials.wsUrl : undefined;
  return theirs ?? httpUrl.replace(/^http/, 'ws');
}

/** Each setting under our name or else under Jupyter Server's; a contradiction becomes a warning. */
function withAliases(values: SettingValues, issues: ConfigIssues) {
  const either = <Name extends keyof SettingValues, Alias extends keyof SettingValues>(
    name: Name,
    alias: Alias,
  ) => {
    const own: SettingValues[Name] = values[name];
    const other: SettingValues[Alias] = values[alias];
    if (own !== undefined && other !== undefined && !isDeepStrictEqual(own, other))
      issues.warnings.push(`${name} and ${alias} differ; ${name} is used.`);
    return own ?? other;
  };
  const file = (
    name: 'KG_CLIENT_CA' | 'KG_CLIENT_CERT' | 'KG_CLIENT_KEY',
    alias: 'JUPYTER_GATEWAY_CA_CERTS' | 'JUPYTER_GATEWAY_CLIENT_CERT' | 'JUPYTER_GATEWAY_CLIENT_KEY',
  ) => {
    const path = either(name, alias);
    return path === undefined ? undefined : { name: values[name] === undefined ? alias : name, path };
  };
  return {
    httpUrl: either('KG_URL', 'JUPYTER_GATEWAY_URL'),
    wsUrl: either('KG_WS_URL', 'JUPYTER_GATEWAY_WS_URL'),
    user: either('KG_HTTP_USER', 'JUPYTER_GATEWAY_HTTP_USER'),
    pass: either('KG_HTTP_PASS', 'JUPYTER_GATEWAY_HTTP_PWD'),
    token: either('KG_AUTH_TOKEN', 'JUPYTER_GATEWAY_AUTH_TOKEN'),
    authScheme: either('KG_AUTH_SCHEME', 'JUPYTER_GATEWAY_AUTH_SCHEME'),
    authHeader: either('KG_AUTH_HEADER', 'JUPYTER_GATEWAY_AUTH_HEADER_KEY'),
    headers: either('KG_HEADERS', 'JUPYTER_GATEWAY_HEADERS') ?? {},
    verify: either('VALIDATE_KG_CERT', 'JUPYTER_GATEWAY_VALIDATE_CERT'),
    ca: file('KG_CLIENT_CA', 'JUPYTER_GATEWAY_CA_CERTS'),
    cert: file('KG_CLIENT_CERT', 'JUPYTER_GATEWAY_CLIENT_CERT'),
    key: file('KG_CLIENT_KEY', 'JUPYTER_GATEWAY_CLIENT_KEY'),
  };
}

function warnOfConflicts(
  given: { [Key in keyof ServiceCredentials]: ServiceCredentials[Key] | undefined },
  credentials: ServiceCredentials,
  issues: ConfigIssues,
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
      issues.warnings.push(
        `${names[key]} differs from what KG_SERVICE_CREDENTIALS says; ${names[key]} is used.`,
      );
  }
}

function checkCredentials(
  user: string | undefined,
  pass: string | undefined,
  headers: GatewaySettings['headers'],
  issues: ConfigIssues,
): void {
  const { problems } = issues;
  if (
    user !== undefined &&
    pass === undefined &&
    !wasGiven(issues, 'KG_HTTP_PASS', 'JUPYTER_GATEWAY_HTTP_PWD')
  )
    problems.push('KG_HTTP_PASS is missing: KG_HTTP_USER needs it.');
  if (
    pass !== undefined &&
    user === undefined &&
    !wasGiven(issues, 'KG_HTTP_USER', 'JUPYTER_GATEWAY_HTTP_USER')
  )
    problems.push('KG_HTTP_USER is missing: KG_HTTP_PASS needs it.');
  if (user?.includes(':'))
    problems.push('KG_HTTP_USER must not contain a colon: HTTP Basic cannot carry it.');
  const hasAuthorization = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  if (hasAuthorization && user !== undefined)
    problems.push('KG_HEADERS has an Authorization header beside KG_HTTP_USER: give one of them.');
}

/** Undefined where JupyterHub is no matter here, or a part is missing, which is told. */
function readHubSettings(
  values: SettingValues,
  proxy: ProxySettings | undefined,
  { problems, unread }: ConfigIssues,
): HubSettings | undefined {
  const { JUPYTERHUB_API_URL: apiUrl, JUPYTERHUB_API_TOKEN: token, JUPYTERHUB_USER: user } = values;
  if (apiUrl === undefined) return undefined;
  for (const name of ['JUPYTERHUB_API_TOKEN', 'JUPYTERHUB_USER'] as const)
    if (values[name] === undefined && !unread.has(name))
      problems.push(`${name} is missing: JUPYTERHUB_API_URL needs it.`);
  if (token === undefined || user === undefined) return undefined;
  return {
    apiUrl,
    token,
    user,
    server: values.JUPYTERHUB_SERVER_NAME ?? '',
    proxy: proxyFor(apiUrl, proxy),
  };
}

/** Where the hub's proxy has the server: beside `hub/api/`. */
function serverUrl({ apiUrl, user, server }: HubSettings): string {
  const root = apiUrl.replace(/hub\/api\/$/, '');
  const path = [user, server].filter((part) => part !== '').map(escapePart);
  return `${root}user/${path.join('/')}/`;
}

/** As JupyterHub writes it: `ana@example.com` stays. */
function escapePart(part: string): string {
  return encodeURIComponent(part).replaceAll('%40', '@');
}

/** The hub's token is for the hub's own servers, and goes to no other host. */
function isOfHub(url: string, { apiUrl }: HubSettings): boolean {
  return new URL(url).hostname === new URL(apiUrl).hostname;
}
