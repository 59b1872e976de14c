import { once } from 'node:events';
import type { Config } from '../config/config.ts';
import { UserError } from '../errors.ts';
import type { RenewingCredentials } from '../gateway/auth/credentials.ts';
import { GatewayError } from '../gateway/errors.ts';
import type { Gateway, Kernelspec, Kernelspecs } from '../gateway/gateway.ts';
import { resolveLanguage } from '../runs/languages/languages.ts';
import { renderElapsed } from '../text.ts';
import { noteSql } from './ask-kernel.ts';
import { tryLanguage, type TryLanguageOptions } from './check-language.ts';
import type { Report } from './report.ts';

export interface CheckGatewayOptions extends TryLanguageOptions {
  config: Pick<Config, 'gateway' | 'kernels' | 'runs'>;
}

const HTTP = 'gateway, HTTP';
const WEBSOCKET = 'gateway, websocket';
const HUB = 'JupyterHub';
const TOKEN = 'gateway token';

/** Checks HTTP and the websocket, each with credentials, and runs a little code on each kernelspec. */
export async function checkGateway(options: CheckGatewayOptions): Promise<void> {
  const { report, signal } = options;
  if (signal.aborted) return;
  const kernelspecs = await checkHttp(options);
  if (kernelspecs === undefined) {
    for (const what of ['kernelspecs', WEBSOCKET])
      report.skipped(what, 'Needs the gateway’s answer by HTTP.');
    return;
  }
  checkKernelspecs(kernelspecs, options);
  await checkLanguages(kernelspecs, options);
}

async function checkHttp({ gateway, report, signal }: CheckGatewayOptions): Promise<Kernelspecs | undefined> {
  report.progress('asking the gateway for its kernelspecs');
  return await tryOr(HTTP, httpRemedy, report, async () => {
    const kernelspecs = await gateway.readKernelspecs(signal);
    // Knox has no route for the version, so its absence is no error.
    const info = await gateway.readInfo(signal).catch(() => undefined);
    const version =
      info === undefined
        ? 'unknown version'
        : info.gatewayVersion === undefined
          ? `server ${info.version}`
          : `Enterprise Gateway ${info.gatewayVersion}`;
    report.ok(HTTP, `It answers and takes our credentials (${version}).`);
    return kernelspecs;
  });
}

/** The result of a check; undefined if the gateway fails, which is reported with what to change. */
async function tryOr<Found>(
  what: string,
  remedy: (error: GatewayError) => string,
  report: Report,
  check: () => Promise<Found>,
): Promise<Found | undefined> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    report.failed(what, `${error.message}.`, remedy(error));
    return undefined;
  }
}

function checkKernelspecs(kernelspecs: Kernelspecs, { config: { runs }, report }: CheckGatewayOptions): void {
  const what = 'kernelspecs';
  const names = kernelspecs.list.map(({ name }) => name);
  if (names.length === 0) {
    const remedy = 'Install a kernelspec where the gateway runs, or let the gateway’s user see one.';
    report.failed(what, 'The gateway offers none.', remedy);
    return;
  }
  const unknown = Object.entries(runs.aliases).filter(([, target]) => !names.includes(target));
  // A wrong pair in LANGUAGES is one mistake, also if DEFAULT_LANGUAGE is its word.
  const isReported = unknown.some(([alias]) => alias === runs.defaultLanguage?.toLowerCase());
  const unusable = isReported ? undefined : defaultProblem(kernelspecs, runs);
  if (unknown.length > 0) {
    const list = unknown.map(([alias, target]) => `${alias}=${target}`).join(', ');
    const text = `LANGUAGES names kernelspecs that are not there: ${list}. There are: ${names.join(', ')}.`;
    report.failed(what, text, 'Correct LANGUAGES.');
  }
  if (unusable !== undefined) report.failed(what, unusable, 'Correct DEFAULT_LANGUAGE.');
  if (unknown.length === 0 && unusable === undefined) report.ok(what, names.join(', '));
}

/** Why a snippet without a language would be refused in a new channel. */
function defaultProblem(kernelspecs: Kernelspecs, runs: Config['runs']): string | undefined {
  if (runs.defaultLanguage === undefined) return undefined;
  const context = { kernelspecs, aliases: runs.aliases };
  try {
    resolveLanguage(runs.defaultLanguage, context);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

async function checkLanguages(kernelspecs: Kernelspecs, options: CheckGatewayOptions): Promise<void> {
  const { report, signal } = options;
  let isWebsocketReported = false;
  const spark = new Map<string, string>();
  for (const spec of defaultFirst(kernelspecs)) {
    if (signal.aborted) return;
    const tried = await tryLanguage(spec, options);
    if (signal.aborted) return;
    if (tried.kind === 'notConnected') {
      // A problem with the websocket affects every kernel.
      const { error } = tried;
      report.failed(WEBSOCKET, `${error.message}.`, websocketRemedy(error));
      report.skipped('languages', 'They need the websocket.');
      return;
    }
    if (tried.kind !== 'notStarted' && !isWebsocketReported) {
      isWebsocketReported = true;
      report.ok(WEBSOCKET, 'A kernel answers through it.');
    }
    if (tried.kind !== 'notStarted' && tried.spark !== undefined) spark.set(spec.name, tried.spark);
    if (tried.kind === 'ok') report.ok(spec.name, tried.text);
    else
      report.failed(
        spec.name,
        tried.text,
        tried.remedy ?? 'Run the same in another client of this gateway, and read the gateway’s log.',
      );
  }
  noteSql(kernelspecs, options.config.runs, spark, report);
  if (!isWebsocketReported) report.skipped(WEBSOCKET, 'Needs a kernel that starts.');
}

function defaultFirst({ default: usual, list }: Kernelspecs): Kernelspec[] {
  return list.toSorted((a, b) => Number(b.name === usual) - Number(a.name === usual));
}

/**
 * Has JupyterHub start the server that is the gateway, if it is stopped. Resolves with false if that fails or `signal` is
 * aborted.
 */
export async function checkHub(
  gateway: Pick<Gateway, 'startServer'>,
  { gateway: { hub, launchTimeoutMs } }: Pick<Config, 'gateway'>,
  report: Report,
  signal: AbortSignal,
): Promise<boolean> {
  if (hub === undefined || gateway.startServer === undefined) return true;
  const sinceMs = performance.now();
  report.progress(
    `starting the server of ${hub.user}, where it is stopped (up to ${launchTimeoutMs / 1000} s)`,
  );
  const runs = await tryOr(HUB, hubRemedy, report, async () => {
    await Promise.race([gateway.startServer?.(), once(signal, 'abort')]);
    if (signal.aborted) return false;
    const seconds = ((performance.now() - sinceMs) / 1000).toFixed(1);
    report.ok(HUB, `The server of ${hub.user} runs, after ${seconds} s.`);
    return true;
  });
  return runs === true;
}

function hubRemedy({ code, status }: GatewayError): string {
  if (code === 'unauthorized' || status === 403 || status === 404)
    return 'Give JUPYTERHUB_API_TOKEN the scopes read:users, servers and access:servers of JUPYTERHUB_USER; check that name, and that JUPYTERHUB_API_URL ends with /hub/api/.';
  if (code === 'startFailed') return 'Start it by hand in JupyterHub, and read the hub’s log.';
  return 'Check JUPYTERHUB_API_URL; it ends with /hub/api/.';
}

/** Whether credentials that expire can be fetched. Resolves with false if they cannot. Reports their length and end, never the credentials. */
export async function checkCredentials(
  credentials: Pick<RenewingCredentials, 'facts'>,
  report: Report,
  now = Date.now(),
): Promise<boolean> {
  report.progress('fetching the gateway’s token');
  const fetched = await tryOr(TOKEN, httpRemedy, report, async () => {
    const { characters, endsMs } = await credentials.facts();
    const end =
      endsMs === undefined
        ? 'its end is not known'
        : `it ${endsMs > now ? 'ends' : 'ended'} at ${new Date(endsMs).toISOString()} (${spanWords(endsMs - now)})`;
    const text = `${characters} characters; ${end}.`;
    if (endsMs === undefined || endsMs > now) report.ok(TOKEN, text);
    else
      report.failed(TOKEN, text, 'Let the command or the file give a fresh token, and compare the clocks.');
    return true;
  });
  return fetched === true;
}

function spanWords(ms: number): string {
  const span = renderElapsed(Math.abs(ms));
  return ms > 0 ? `in ${span}` : `${span} ago`;
}

/** What an operator should change if HTTP fails. */
export function httpRemedy(error: GatewayError): string {
  const { code, status } = error;
  switch (code) {
    case 'unreachable':
      if (status === 429) return 'Wait a little; if it stays so, raise the limit of requests.';
      return status === undefined
        ? 'Check http or https, host and port in KG_URL, that the gateway runs, and that a firewall lets this machine through.'
        : 'The proxy answers and the gateway behind it does not: start the gateway.';
    case 'untrusted':
      if (isOutOfTime(error)) return 'Renew the gateway’s certificate, or correct the clock of this machine.';
      return 'Put the certificate (PEM) of the authority that signed the gateway’s into KG_CLIENT_CA, and let KG_URL name the host that the certificate names.';
    case 'noCredentials':
      return 'Run KG_AUTH_COMMAND by hand as the bot’s user, or look at the file KG_AUTH_TOKEN_FILE.';
    case 'unauthorized':
      return 'Correct KG_HTTP_USER and KG_HTTP_PASS, or KG_AUTH_TOKEN (or KG_AUTH_COMMAND or KG_AUTH_TOKEN_FILE) and KG_AUTH_SCHEME, or KG_CLIENT_CERT, whichever the gateway asks for.';
    case 'serverStopped':
      return 'Start the server in JupyterHub; with JUPYTERHUB_API_URL, JUPYTERHUB_API_TOKEN and JUPYTERHUB_USER the bot does that itself.';
    case 'badAnswer':
    case 'kernelGone':
      if (status !== undefined && status >= 300 && status < 400)
        return 'If the gateway is at that address, put the part before /api/kernelspecs into KG_URL.';
      return status !== undefined && status >= 500
        ? 'The gateway’s log says what failed.'
        : 'What answers at KG_URL is no Jupyter gateway: correct the path; KG_URL is what stands before /api/kernelspecs.';
    default:
      return status === 404 || status === 405
        ? 'There is no gateway at this path: correct KG_URL; it is what stands before /api/kernelspecs.'
        : 'The gateway’s log says why it refuses; its words are above.';
  }
}

function isOutOfTime({ message }: GatewayError): boolean {
  return message.includes('CERT_HAS_EXPIRED') || message.includes('CERT_NOT_YET_VALID');
}

/** What an operator should change if HTTP works and the websocket does not. */
export function websocketRemedy(error: GatewayError): string {
  const { code, status } = error;
  switch (code) {
    case 'unreachable':
      return 'HTTP works and the websocket does not: check KG_WS_URL, and that every proxy on the way passes websockets (the Upgrade header).';
    case 'untrusted':
      if (isOutOfTime(error)) return httpRemedy(error);
      return 'The websocket’s address has another certificate than KG_URL: add its authority to KG_CLIENT_CA.';
    case 'unauthorized':
      return 'The websocket’s address wants other credentials than KG_URL: let the proxy pass Authorization on upgrades, or correct KG_WS_URL.';
    default:
      return status === 404 || status === 400
        ? 'KG_WS_URL does not lead to the gateway’s websockets: correct its path, and let every proxy on the way pass the Upgrade header.'
        : 'Check KG_WS_URL and the log of the proxy behind it.';
  }
}
