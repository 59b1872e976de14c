import { STATUS_CODES } from 'node:http';
import { Client } from 'undici';
import { proxyFor, type ProxySettings, shownProxy } from '../proxy.ts';
import type { Report } from './report.ts';

const ANSWER_MS = 10_000;
const WHAT = 'proxy';

/** Has the proxy open a tunnel to each address for which it is used, and notes the others. */
export async function checkProxy(
  proxy: ProxySettings | undefined,
  addresses: Readonly<Record<string, string>>,
  report: Report,
): Promise<void> {
  if (proxy === undefined) return;
  for (const [of, address] of Object.entries(addresses)) {
    if (proxyFor(address, proxy) === undefined)
      report.note(
        `HTTPS_PROXY is not used for ${of}: ${new URL(address).host} is plain http, or NO_PROXY names it.`,
      );
    else await checkTunnel(proxy, address, report);
  }
}

/** Checks the tunnel to an address. Does nothing if the address is reached directly. */
export async function checkTunnel(
  settings: ProxySettings | undefined,
  address: string,
  report: Report,
): Promise<void> {
  const proxy = proxyFor(address, settings);
  if (proxy === undefined) return;
  const { hostname, port } = new URL(address);
  const target = `${hostname}:${port === '' ? 443 : port}`;
  report.progress(`asking the proxy for a tunnel to ${target}`);
  const answer = await askForTunnel(proxy, target);
  const shown = shownProxy(proxy);
  if (answer.status === 200) report.ok(WHAT, `${shown} opens the way to ${target} (200).`);
  else if (answer.status === undefined)
    report.failed(
      WHAT,
      `${shown} gives no answer (${answer.why}).`,
      'Correct host and port in HTTPS_PROXY, or let this machine reach the proxy.',
    );
  else {
    const said = [answer.status, STATUS_CODES[answer.status]].filter((part) => part !== undefined).join(' ');
    report.failed(
      WHAT,
      `${shown} answers ${said} when asked for ${target}.`,
      remedyOf(answer.status, target),
    );
  }
}

function remedyOf(status: number, target: string): string {
  if (status === 407)
    return 'Put a user and a password that the proxy takes into HTTPS_PROXY: http://user:password@host:3128.';
  return `Let the proxy open tunnels (CONNECT) to ${target} for this machine; or name the host in NO_PROXY, where it is reached directly.`;
}

type TunnelAnswer = { status: number } | { status: undefined; why: string };

async function askForTunnel(proxy: string, target: string): Promise<TunnelAnswer> {
  const { origin, username, password } = new URL(proxy);
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const identity =
    username === '' ? {} : { 'proxy-authorization': `Basic ${credentials.toString('base64')}` };
  const client = new Client(origin, { allowH2: false });
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const headers = { host: target, ...identity };
    const { statusCode, socket } = await client.connect({ path: target, headers, signal });
    socket.destroy();
    return { status: statusCode };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isLate = error.name === 'AbortError' || error.name === 'TimeoutError';
    const code = 'code' in error ? String(error.code) : error.name;
    return { status: undefined, why: isLate ? `${ANSWER_MS / 1000} s` : code };
  } finally {
    await client.destroy();
  }
}
