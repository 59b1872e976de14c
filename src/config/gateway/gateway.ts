import type { GatewaySettings, HubSettings } from '../../gateway/gateway.ts';
import { proxyFor, type ProxySettings } from '../../proxy.ts';
import type { SettingValues, ConfigIssues } from '../settings.ts';
import { readServiceCredentials, readTlsSettings, type ServiceCredentials } from './credential-files.ts';

/**
 * Reads the gateway's settings from three sources: KG_ settings win over Jupyter Server's names, and these over the service
 * credentials. Undefined, with the problems added, if there is no gateway.
 */
export function readGatewaySettings(
  values: SettingValues,
  proxy: ProxySettings | undefined,
  issues: ConfigIssues,
): GatewaySettings | undefined {
  const { KG_SERVICE_CREDENTIALS: path, KG_HEADERS: headers = {} } = values;
  const credentials = path === undefined ? undefined : readServiceCredentials(path, issues);
  if (credentials !== undefined) warnOfConflicts(values, credentials, issues);

  const hub = readHubSettings(values, proxy, issues);
  const httpUrl = values.KG_URL ?? credentials?.httpUrl ?? (hub === undefined ? undefined : serverUrl(hub));
  const user = values.KG_HTTP_USER ?? credentials?.user;
  const pass = values.KG_HTTP_PASS ?? credentials?.pass;
  const tls = readTlsSettings(values, issues);
  checkCredentials(user, pass, headers, issues);
  if (!tls.verify)
    issues.warnings.push(
      'VALIDATE_KG_CERT is false: the gateway’s certificate is NOT checked, so anybody on the way can read and change code, output and passwords.',
    );
  if (httpUrl === undefined) {
    const isElsewhere = path !== undefined || values.JUPYTERHUB_API_URL !== undefined;
    if (!wasGiven(issues, 'KG_URL', 'JUPYTERHUB_API_URL') && !isElsewhere)
      issues.problems.push(
        'KG_URL is missing: the gateway’s root, such as https://host:8888/ (or JUPYTER_GATEWAY_URL, or KG_SERVICE_CREDENTIALS).',
      );
    return undefined;
  }
  const wsUrl = values.KG_WS_URL ?? websocketRoot(httpUrl, credentials);
  if (httpUrl.startsWith('https:') && wsUrl.startsWith('ws:'))
    issues.warnings.push('KG_WS_URL is not encrypted although KG_URL is: use wss.');
  const hasNoCredentials =
    user === undefined &&
    values.KG_AUTH_TOKEN === undefined &&
    values.KG_AUTH_COMMAND === undefined &&
    values.KG_AUTH_TOKEN_FILE === undefined &&
    !Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  const token =
    hasNoCredentials && hub !== undefined && isOfHub(httpUrl, hub) && isOfHub(wsUrl, hub)
      ? hub.token
      : values.KG_AUTH_TOKEN;
  return {
    httpUrl,
    wsUrl,
    user,
    pass,
    token,
    hub,
    authScheme: values.KG_AUTH_SCHEME,
    authHeader: values.KG_AUTH_HEADER,
    headers,
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

/** Whether one of these was given but could not be read. Then it is not reported as missing too. */
function wasGiven({ unread }: ConfigIssues, ...names: readonly (keyof SettingValues)[]): boolean {
  return names.some((name) => unread.has(name));
}

/** The credentials' websocket root is used only together with their HTTP root. */
function websocketRoot(httpUrl: string, credentials: ServiceCredentials | undefined): string {
  const theirs = credentials?.httpUrl === httpUrl ? credentials.wsUrl : undefined;
  return theirs ?? httpUrl.replace(/^http/, 'ws');
}

function warnOfConflicts(values: SettingValues, credentials: ServiceCredentials, issues: ConfigIssues): void {
  const { httpUrl: KG_URL, wsUrl: KG_WS_URL, user: KG_HTTP_USER, pass: KG_HTTP_PASS } = credentials;
  const theirs = { KG_URL, KG_WS_URL, KG_HTTP_USER, KG_HTTP_PASS };
  for (const name of ['KG_URL', 'KG_WS_URL', 'KG_HTTP_USER', 'KG_HTTP_PASS'] as const)
    if (values[name] !== undefined && theirs[name] !== undefined && values[name] !== theirs[name])
      issues.warnings.push(`${name} differs from what KG_SERVICE_CREDENTIALS says; ${name} is used.`);
}

/** No request can be sent with one of these. A browser's list of headers has some. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'content-length',
  'expect',
  'keep-alive',
  'sec-websocket-protocol',
  'transfer-encoding',
  'upgrade',
]);

function checkCredentials(
  user: string | undefined,
  pass: string | undefined,
  headers: GatewaySettings['headers'],
  issues: ConfigIssues,
): void {
  const { problems } = issues;
  if (user !== undefined && pass === undefined && !wasGiven(issues, 'KG_HTTP_PASS'))
    problems.push('KG_HTTP_PASS is missing: KG_HTTP_USER needs it.');
  if (pass !== undefined && user === undefined && !wasGiven(issues, 'KG_HTTP_USER'))
    problems.push('KG_HTTP_USER is missing: KG_HTTP_PASS needs it.');
  if (user?.includes(':'))
    problems.push('KG_HTTP_USER must not contain a colon: HTTP Basic cannot carry it.');
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  for (const name of names.filter((each) => OF_THE_CONNECTION.has(each)))
    problems.push(`KG_HEADERS must not hold ${name}: each connection has its own.`);
  const hasAuthorization = names.includes('authorization');
  if (hasAuthorization && user !== undefined)
    problems.push('KG_HEADERS has an Authorization header beside KG_HTTP_USER: give one of them.');
}

/** Undefined if JupyterHub is not used, or, with the problems added, if a setting is missing. */
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

/** The URL of the server behind the hub's proxy, beside `hub/api/`. */
function serverUrl({ apiUrl, user, server }: HubSettings): string {
  const root = apiUrl.replace(/hub\/api\/$/, '');
  const path = [user, server].filter((part) => part !== '').map(encodeURIComponent);
  // JupyterHub does not encode the @ of `ana@example.com`.
  return `${root}user/${path.join('/').replaceAll('%40', '@')}/`;
}

/** The hub's token must not be sent to another host. */
function isOfHub(url: string, { apiUrl }: HubSettings): boolean {
  return new URL(url).hostname === new URL(apiUrl).hostname;
}
