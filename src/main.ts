import { mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Config, loadEnvFile, readConfig, refuseArguments, VERSION } from './config/config.ts';
import { ConfigError, StoreError } from './errors.ts';
import { openGateway } from './gateway/client.ts';
import { startLog } from './log.ts';
import { gatewayCheck, storeCheck } from './server/health.ts';
import { startHealthServer } from './server/health-endpoints.ts';
import { startMetrics } from './server/metrics.ts';
import { readRunData } from './runs/stored-run.ts';
import type { RunData } from './runs/run.ts';
import { withdrawRefused } from './runs/admission/withdraw-refused.ts';
import { startSlack } from './slack/app.ts';
import { startHouse } from './app.ts';
import { boundLedger } from './store/timeout.ts';
import { openStore } from './store/open-store.ts';

/** What cannot be started for a reason that an operator has to mend (sysexits' EX_CONFIG). */
const EXIT_CONFIG = 78;
/** Slack's acknowledgement is due after 3 s (slack.md fact 1), so no listener waits longer for the store. */
const STORE_PATIENCE_MS = 2_000;
/** After SIGTERM the process is gone within 10 s, whatever still hangs. */
const DRAIN_MS = 9_000;

async function main(): Promise<void> {
  const told = untilTold();
  refuseArguments();
  loadEnvFile();
  const config = readConfig();
  const log = startLog({ level: config.logLevel, secrets: config.secrets });
  log.info({ event: 'bot.starting', version: VERSION }, 'starting');
  for (const warning of config.warnings) log.warn({ event: 'config.warning' }, warning);
  // A promise that a library lost (Bolt's, over an odd request) is no reason to end everybody's runs.
  process.on('unhandledRejection', (error) =>
    log.error({ event: 'bot.uncaught', err: error }, 'something was not caught'),
  );

  const metrics = await startMetrics(config.http.metrics);
  const store = await openStore<RunData>({ url: config.store.address, log, readData: readRunData });
  const spool = await openSpoolFolder(config);
  const gateway = metrics.gateway(openGateway(config.gateway, log));
  const { budget } = store;
  const slack = await startSlack({
    settings: config.slack,
    fetch: metrics.fetch,
    policy: config.policy,
    edits:
      budget === undefined
        ? { kind: 'alone', kept: store.keyv('edits') }
        : { kind: 'shared', share: (workspace) => (step) => budget.step(`edits ${workspace}`, step) },
    log,
  });
  const ledger = withdrawRefused(metrics.ledger(boundLedger(store.ledger, STORE_PATIENCE_MS)), log);
  const front = await startHealthServer({
    host: config.http.host,
    port: config.http.port,
    version: VERSION,
    role: () => 'leader',
    checks: {
      slack: slack.health,
      gateway: gatewayCheck(gateway),
      store: storeCheck(() => ledger.get('no such run'), store.kind),
    },
    slackEvents: slack.requests,
  });
  const house = startHouse({
    config,
    log,
    gateway,
    keyv: (namespace) => store.keyv(namespace),
    ledger,
    isShared: store.kind === 'redis',
    spoolDir: spool.dir,
    slack,
  });
  told.begin(() => {
    log.info(
      { event: 'bot.stopping' },
      'stopping: no new work is taken, runs in flight are left to the next start',
    );
    setTimeout(() => process.exit(0), DRAIN_MS).unref();
  });
  const recovered = await house.open();
  if (!told.isTold()) {
    // Slack may be away for long; that is no reason to hear nothing.
    await Promise.race([slack.open(house.bot), told.stop]);
  }
  if (!told.isTold())
    log.info(
      { event: 'bot.ready', workspace: slack.workspace, store: store.kind, port: front.port, recovered },
      'ready',
    );

  await told.stop;
  await slack.close();
  await house.close();
  await gateway.close();
  await store.close();
  await spool.close();
  await front.close();
  await metrics.close();
}

/**
 * Output is spooled beside the SQLite file; a store that forgets gets a folder that is removed. Throws `ConfigError`
 * for a folder that cannot be written, which the first run with output would find out else.
 */
async function openSpoolFolder({
  store,
  spoolDir,
}: Config): Promise<{ dir: string; close: () => Promise<void> }> {
  if (store.kind !== 'memory' || spoolDir !== undefined) {
    // A folder of its own in there: what it holds beside unfinished runs' output is removed at the next start.
    const dir = resolve(spoolDir ?? (store.kind === 'sqlite' ? dirname(store.path) : 'data'), 'spool');
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await rmdir(await mkdtemp(join(dir, 'start-')));
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? error.code : error;
      throw new ConfigError([
        `The folder ${dir} is where output is kept until its answer is posted, and it cannot be written (${String(reason)}).`,
      ]);
    }
    return { dir, close: async () => {} };
  }
  const dir = await mkdtemp(join(tmpdir(), 'sparkthread-'));
  return { dir, close: async () => await rm(dir, { recursive: true, force: true }) };
}

/** Until there is something to drain, being told to stop ends the process at once; later `onStop` hears it. */
function untilTold(): { stop: Promise<void>; isTold: () => boolean; begin: (onStop: () => void) => void } {
  const told = Promise.withResolvers<void>();
  let begun: (() => void) | undefined;
  let isTold = false;
  const stop = (): void => {
    if (begun === undefined) process.exit(0);
    // Heard again it changes nothing: whoever passes signals on and whoever signals the whole group both tell us.
    if (isTold) return;
    isTold = true;
    begun();
    told.resolve();
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, stop);
  return {
    stop: told.promise,
    isTold: () => isTold,
    begin(onStop) {
      begun = onStop;
    },
  };
}

try {
  await main();
  process.exit(0);
} catch (error) {
  if (error instanceof ConfigError) {
    const list = error.problems.map((problem) => `  - ${problem}`).join('\n');
    process.stderr.write(`Sparkthread cannot start. Settings to correct:\n${list}\n`);
    process.exit(EXIT_CONFIG);
  }
  const named = error instanceof StoreError ? 'STORE_URL: ' : '';
  process.stderr.write(
    `Sparkthread cannot start: ${named}${error instanceof Error ? error.message : String(error)}\n`,
  );
  // A store that is silent may answer the next start; one that refuses has to be mended first.
  process.exit(error instanceof StoreError && error.code !== 'silent' ? EXIT_CONFIG : 1);
}
