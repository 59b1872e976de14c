import type { Config } from '../config/config.ts';
import { GatewayError } from '../gateway/errors.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Report } from './report.ts';

const WHAT = 'JupyterHub';

/** Has JupyterHub start the server that is the gateway, where it is stopped. */
export async function checkHub(
  gateway: Pick<Gateway, 'startServer'>,
  { gateway: { hub, launchTimeoutMs } }: Pick<Config, 'gateway'>,
  report: Report,
): Promise<void> {
  if (hub === undefined || gateway.startServer === undefined) return;
  const sinceMs = performance.now();
  report.progress(
    `starting the server of ${hub.user}, where it is stopped (up to ${launchTimeoutMs / 1000} s)`,
  );
  try {
    await gateway.startServer();
    const seconds = ((performance.now() - sinceMs) / 1000).toFixed(1);
    report.ok(WHAT, `The server of ${hub.user} runs, after ${seconds} s.`);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    report.failed(WHAT, `${error.message}.`, remedyOf(error));
  }
}

function remedyOf({ code, status }: GatewayError): string {
  if (code === 'unauthorized' || status === 403 || status === 404)
    return 'Give JUPYTERHUB_API_TOKEN the scopes read:users, servers and access:servers of JUPYTERHUB_USER, and check that name.';
  if (code === 'startFailed') return 'Start it by hand in JupyterHub, and read the hub’s log.';
  return 'Check JUPYTERHUB_API_URL; it ends with /hub/api/.';
}
