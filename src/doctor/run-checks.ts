import { type Config, readConfig } from '../config/config.ts';
import { ConfigError } from '../errors.ts';
import { RenewingCredentials } from '../gateway/auth/credentials.ts';
import { createGatewayClient } from '../gateway/client.ts';
import { silentLog } from '../log.ts';
import { checkCredentials, checkGateway, checkHub } from './check-gateway.ts';
import { checkProxy } from './check-proxy.ts';
import { checkSlack } from './check-slack.ts';
import { checkStore } from './check-store.ts';
import { renderElapsed } from '../slack/blocks/duration.ts';
import type { Report } from './report.ts';

const SLACK_API = 'https://slack.com/api/';

export interface RunChecksOptions {
  env: Readonly<Record<string, string | undefined>>;
  report: Report;
  /** Aborted: no further check is begun, and what was started is removed. */
  signal: AbortSignal;
}

/** All checks, one after the other. Gives the exit code: 0, 1 when something failed, 78 when a setting is wrong. */
export async function runChecks({ env, report, signal }: RunChecksOptions): Promise<0 | 1 | 78> {
  const config = checkSettings(env, report);
  if (config === undefined) return 78;
  const { slack, gateway: at } = config;
  const addresses = {
    Slack: slack.apiUrl ?? SLACK_API,
    'the gateway': at.httpUrl,
    ...(hostOf(at.wsUrl) === hostOf(at.httpUrl) ? {} : { 'the gateway’s websockets': at.wsUrl }),
  };
  await checkProxy(config.proxy, addresses, report);
  if (!signal.aborted) await checkSlack(config, report, signal);
  const credentials =
    config.gatewayCredentials === undefined
      ? undefined
      : new RenewingCredentials(config.gatewayCredentials, { log: silentLog, onSecret: () => undefined });
  if (credentials !== undefined && !signal.aborted) await checkCredentials(credentials, report);
  const gateway = createGatewayClient(config.gateway, { log: silentLog, credentials });
  try {
    if (!signal.aborted) await checkHub(gateway, config, report);
    await checkGateway({ gateway, config, report, signal });
  } finally {
    await gateway.close();
  }
  if (!signal.aborted) await checkStore(config.store, report);
  return report.failures > 0 ? 1 : 0;
}

function hostOf(address: string): string {
  return new URL(address).host;
}

function checkSettings(env: RunChecksOptions['env'], report: Report): Config | undefined {
  try {
    const config = readConfig(env);
    report.ok('settings', 'All settings can be read.');
    for (const warning of config.warnings) report.note(warning);
    noteRunTimeout(config.runs.runTimeoutMs, report);
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    reportProblems(error, report);
    return undefined;
  }
}

function noteRunTimeout(runTimeoutMs: number | undefined, report: Report): void {
  report.note(
    runTimeoutMs === undefined
      ? 'RUN_TIMEOUT is none: one endless run holds its channel’s kernel until somebody stops it. Recommended: RUN_TIMEOUT=4h, or what your longest job takes.'
      : `RUN_TIMEOUT stops a run after ${renderElapsed(runTimeoutMs)}.`,
  );
}

export function reportProblems({ problems }: ConfigError, report: Report): void {
  const remedy = 'docs/configuration.md has every setting with an example.';
  for (const problem of problems) report.failed('settings', problem, remedy);
}
