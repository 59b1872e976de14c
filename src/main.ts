import { dirname } from 'node:path';
import { type App, createApp } from './app.ts';
import { createAudit } from './audit/audit.ts';
import { type Config, loadEnvFile, readConfig, refuseArguments, VERSION } from './config/config.ts';
import { ConfigError, StoreError } from './errors.ts';
import { RenewingCredentials } from './gateway/auth/credentials.ts';
import { createGatewayClient } from './gateway/client.ts';
import { Secrets, startLog } from './log.ts';
import { openSpoolFolder } from './output/spool/spool.ts';
import { auditEnded } from './runs/audit.ts';
import { readRunData, type RunData } from './runs/run.ts';
import { gatewayCheck, storeCheck, trackGateway } from './server/health.ts';
import { startHealthServer } from './server/http-server.ts';
import { startMetrics } from './server/metrics.ts';
import { handleShutdownSignals, limitDrain } from './shutdown.ts';
import { type StartedSlack, startSlack } from './slack/app.ts';
import { guardWrites, openSlackNetwork } from './slack/transport/network.ts';
import { startHandover } from './store/handover.ts';
import { createBackups } from './store/sqlite/backup.ts';
import { Leadership } from './store/leadership.ts';
import { openStore } from './store/open.ts';
import { atMost } from './waits.ts';

/** What cannot be started for a reason that an operator has to mend (sysexits' EX_CONFIG). */
const EXIT_CONFIG = 78;
/** The successor takes over within 3 s of SIGTERM: what is not written by then is the successor's. */
const HANDOVER_MS = 2_500;

async function main(): Promise<void> {
  const shutdown = handleShutdownSignals();
  let backUp: (() => Promise<void>) | undefined;
  // Without a listener the signal would end the process.
  process.on('SIGUSR2', () => void backUp?.());
  refuseArguments();
  loadEnvFile();
  const config = readConfig();
  const secrets = new Secrets(config.secrets);
  const log = startLog({ level: config.logLevel, secrets });
  log.info({ event: 'bot.starting', version: VERSION }, 'starting');
  for (const warning of config.warnings) log.warn({ event: 'config.warning' }, warning);
  // A promise that a library lost (Bolt's, over an odd request) is no reason to leave everybody's runs.
  process.on('unhandledRejection', (error) =>
    log.error({ event: 'bot.unhandled', err: error }, 'something was not caught'),
  );

  const metrics = await startMetrics(config.http.metrics);
  const store = metrics.store(
    await openStore<RunData>({ url: config.store.address, log, readData: readRunData }),
  );
  backUp = createBackups(store, log);
  const spool = await openSpoolFolder(spoolPlace(config));
  let app: App | undefined;
  const leadership = new Leadership(store.lease, {
    log,
    onLost: (why) => {
      log.fatal({ event: 'leader.lost' }, `another process is the leader now (${why}); this one ends`);
      process.exit(1);
    },
    onEmptied: async () => app?.notifyLost(),
    onStandby: () => void warnOfGateway(),
  });
  const mayWrite = (): boolean => leadership.mayWrite();
  const credentials =
    config.gatewayCredentials === undefined
      ? undefined
      : new RenewingCredentials(config.gatewayCredentials, {
          log,
          onSecret: (secret) => secrets.add(secret),
        });
  const client = trackGateway(createGatewayClient(config.gateway, { log, credentials, mayWrite }));
  const gateway = metrics.gateway(client.gateway);
  const checkGateway = gatewayCheck(gateway);
  /** What is wrong with a standby's settings shows before it is needed. */
  const warnOfGateway = async (): Promise<void> => {
    const { ok, detail } = await checkGateway();
    if (!ok) log.warn({ event: 'gateway.away', detail }, 'the gateway cannot be used at the moment');
  };
  const network = openSlackNetwork(config.proxy);
  const slack = await startSlack({
    settings: config.slack,
    network,
    fetch: guardWrites(metrics.fetch(network.call), leadership),
    policy: config.policy,
    maxCodeBytes: config.runs.maxCodeBytes,
    counts: metrics.payloads,
    notifyAfterMs: config.runs.notifyAfterMs,
    marksResults: config.runs.resultReactions,
    log,
  });
  metrics.observe({
    version: VERSION,
    role: () => roleOf(leadership),
    slack: slack.health,
    counts: () => app?.counts(),
  });
  const server = await startHealthServer({
    host: config.http.host,
    port: config.http.port,
    version: VERSION,
    role: () => roleOf(leadership),
    checks: {
      slack: slack.health,
      gateway: checkGateway,
      store: storeCheck(() => store.runs.ping(), store.kind),
    },
    slackEvents: slack.requests,
  });
  const endHandover = startHandover(store.lease.handover, {
    isLeading: () => leadership.state === 'leading',
    isMissed: { slack: async () => !(await slack.health()).ok, gateway: async () => client.isMissed() },
    reaches: { slack: slack.reaches, gateway: async () => (await checkGateway()).ok },
    onGivenWay: () => process.exit(1),
    log,
  });
  shutdown.begin(() => {
    endHandover();
    log.info(
      { event: 'bot.stopping' },
      'stopping: no new work is taken, runs in flight are left to the next start',
    );
    limitDrain(log, (code) => process.exit(code));
  });

  const isLeader = await leadership.waitForTurn(shutdown.signal).then(
    () => true,
    (error: unknown) => {
      if (!shutdown.signal.aborted) throw error;
      return false;
    },
  );
  if (isLeader) {
    const audit = createAudit({ ...config.audit, dir: spool.parent, post: network.fetch, secrets, log });
    app = createApp({
      config,
      log,
      gateway,
      store,
      spoolDir: spool.dir,
      slack,
      guard: leadership,
      audit,
      onRefused: metrics.payloads.refused,
      onEnded(run, outcome) {
        audit.record(auditEnded(run, outcome));
        metrics.runEnded(run, outcome);
      },
    });
    try {
      const { bot, recover } = app;
      // Store and Slack may be away for long; that is no reason to hear nothing of a signal.
      const recovered = await Promise.race([recover(), shutdown.stopped]);
      if (!shutdown.signal.aborted) await Promise.race([slack.open(bot), shutdown.stopped]);
      if (!shutdown.signal.aborted)
        log.info(
          {
            event: 'bot.ready',
            version: VERSION,
            workspace: slack.side.workspace,
            transport: config.slack.transport.kind,
            gateway: new URL(config.gateway.httpUrl).host,
            defaultLanguage: config.runs.defaultLanguage,
            store: store.kind,
            port: server.port,
            recovered,
          },
          'ready',
        );
      await shutdown.stopped;
      await atMost(close(slack, app), HANDOVER_MS);
    } finally {
      // Also when Slack refuses this process: another one need not wait for the lease to end.
      await leadership.release();
      await audit.close();
    }
  } else log.info({ event: 'bot.stopped' }, 'a standby ended');
  await gateway.close();
  await store.close();
  await spool.close();
  await server.close();
  await metrics.close();
}

/** First no new work, then the websockets to kernels, then what run messages have still to show. */
async function close(slack: StartedSlack, app: App): Promise<void> {
  await slack.stopListening();
  await app.close();
  await slack.close();
}

function roleOf({ state }: Leadership): 'leader' | 'standby' | 'inDoubt' {
  if (state === 'leading') return 'leader';
  return state === 'standby' ? 'standby' : 'inDoubt';
}

/** Beside the SQLite file, unless SPOOL_DIR says otherwise; undefined for a store that forgets. */
function spoolPlace({ store, spoolDir }: Config): string | undefined {
  if (spoolDir !== undefined || store.kind === 'memory') return spoolDir;
  return store.kind === 'sqlite' ? dirname(store.path) : 'data';
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
