import { type Config, readConfig } from '../config/config.ts';
import { ConfigError, StoreError } from '../errors.ts';
import { RenewingCredentials } from '../gateway/auth/credentials.ts';
import { createGatewayClient } from '../gateway/client.ts';
import { Secrets, silentLog, warningsTo } from '../log.ts';
import { openStore } from '../store/open.ts';
import type { StoreAddress } from '../store/store.ts';
import { renderElapsed } from '../text.ts';
import { checkCredentials, checkGateway, checkHub } from './check-gateway.ts';
import { checkMachine } from './check-machine.ts';
import { checkProxy } from './check-proxy.ts';
import { checkSlack } from './check-slack.ts';
import type { Report } from './report.ts';

const SLACK_API = 'https://slack.com/api/';

export interface RunChecksOptions {
  env: Readonly<Record<string, string | undefined>>;
  report: Report;
  /** If it is aborted, no further check starts, and kernels that were started are removed. */
  signal: AbortSignal;
}

/** Runs all checks, one after the other. Resolves with the exit code: 0, 1 if a check failed, 78 if a setting is wrong. */
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
  const secrets = new Secrets(config.secrets);
  const credentials =
    config.gatewayCredentials === undefined
      ? undefined
      : new RenewingCredentials(config.gatewayCredentials, {
          log: silentLog,
          onSecret: (secret) => secrets.add(secret),
        });
  let canAsk = credentials === undefined || signal.aborted || (await checkCredentials(credentials, report));
  const gateway = createGatewayClient(config.gateway, {
    log: silentLog,
    credentials,
    hide: (text) => secrets.hideIn(text),
  });
  try {
    if (canAsk && !signal.aborted) canAsk = await checkHub(gateway, config, report, signal);
    if (canAsk) await checkGateway({ gateway, config, report, signal });
    else if (!signal.aborted) report.skipped('gateway', 'Needs the check before it.');
  } finally {
    await gateway.close();
  }
  if (!signal.aborted) await checkStore(config.store, report);
  if (!signal.aborted) await checkMachine(config, report);
  if (!signal.aborted) report.sum();
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
  for (const problem of problems.slice(0, -1)) report.failed('settings', problem);
  report.failed(
    'settings',
    problems.at(-1) ?? '',
    'docs/configuration.md has every setting with an example.',
  );
}

const LEASE_MS = 1_000;
/** A running bot holds its SQLite file all the time, so a long wait would be useless. */
const LOCK_WAIT_MS = 300;

/** Opens the store. A store without other processes is written to as well. */
async function checkStore(settings: StoreAddress, report: Report): Promise<void> {
  const what = 'store';
  try {
    const log = warningsTo((sentence) => report.note(sentence));
    const store = await openStore({ url: settings.url, log, lockWaitMs: LOCK_WAIT_MS });
    try {
      await store.runs.ping();
      if (store.kind !== 'redis') await store.lease.acquire(LEASE_MS).then(() => store.lease.release());
    } finally {
      await store.close();
    }
    report.ok(what, `${store.kind}: it answers${store.kind === 'redis' ? '' : ' and can be written'}.`);
    if (store.kind === 'memory') report.note('STORE_URL is memory: nothing survives a restart.');
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'locked')
      report.skipped(what, 'Another process holds the SQLite file. A running bot does that.');
    else report.failed(what, error.message, remedyOf(settings, error));
  }
}

/** A store of a newer version says itself what to do. */
function remedyOf({ kind }: StoreAddress, { code }: StoreError): string | undefined {
  if (code === 'newer') return undefined;
  if (kind !== 'redis') return 'Give STORE_URL a path that this user may write, on a disk with room.';
  return code === 'silent'
    ? 'Start Redis, or correct host and port in STORE_URL.'
    : 'Correct user, password or database in STORE_URL.';
}
