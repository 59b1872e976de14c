import { request as requestByHttp, STATUS_CODES } from 'node:http';
import { request as requestByHttps } from 'node:https';
import { proxyFor, type ProxySettings, shownProxy } from '../proxy.ts';
import type { Report } from './report.ts';

const ANSWER_MS = 10_000;
const WHAT = 'proxy';

/** Has the proxy open a tunnel to each address that it is used for, and tells which are reached without it. */
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

/** Does nothing for an address that is reached directly. */
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

function askForTunnel(proxy: string, target: string): Promise<TunnelAnswer> {
  const { protocol, hostname, port, username, password } = new URL(proxy);
  const isTls = protocol === 'https:';
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return new Promise((resolve) => {
    const asked = (isTls ? requestByHttps : requestByHttp)({
      method: 'CONNECT',
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (isTls ? 443 : 80) : port,
      path: target,
      headers: {
        host: target,
        ...(username === ''
          ? {}
          : { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }),
      },
      agent: false,
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    asked.once('connect', (answer, socket) => {
      socket.destroy();
      resolve({ status: answer.statusCode ?? 0 });
    });
    asked.once('response', (answer) => {
      answer.destroy();
      resolve({ status: answer.statusCode ?? 0 });
    });
    asked.once('error', (error) => {
      const isLate = error.name === 'AbortError' || error.name === 'TimeoutError';
      const code = 'code' in error ? String(error.code) : error.name;
      resolve({ status: undefined, why: isLate ? `${ANSWER_MS / 1000} s` : code });
    });
    asked.end();
  });
}
