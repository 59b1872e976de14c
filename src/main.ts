import { type App, createApp } from './app.ts';
import { createAudit } from './audit/audit.ts';
import { type Config, loadEnvFile, readConfig, refuseArguments, VERSION } from './config/config.ts';
import { ConfigError, StoreError } from './errors.ts';
import { RenewingCredentials } from './gateway/auth/credentials.ts';
import { createGatewayClient } from './gateway/client.ts';
import type { Gateway } from './gateway/gateway.ts';
import { Secrets, startLog, type Log } from './log.ts';
import { openSpoolFolder } from './output/spool/spool.ts';
import { auditEnded } from './runs/audit.ts';
import { readRunData, type RunData } from './runs/run.ts';
import { gatewayCheck, storeCheck, startHealthServer, type Role } from './server/health.ts';
import { trackGateway } from './server/instrument.ts';
import { createMetrics } from './server/metrics.ts';
import { handleShutdownSignals, limitDrain, type Shutdown } from './shutdown.ts';
import { type StartedSlack, startSlack } from './slack/app.ts';
import { guardWrites, openSlackNetwork } from './slack/transport/network.ts';
import { startHandover } from './store/handover.ts';
import { Leadership } from './store/leadership.ts';
import { openStore } from './store/open.ts';
import { createBackups } from './store/sqlite/backup.ts';
import { atMost } from './waits.ts';

/** The process cannot start until an operator corrects something (EX_CONFIG of sysexits). */
const EXIT_CONFIG = 78;
/** How long shutdown may take before the lease is released: the successor has to lead within 3 s of SIGTERM. */
const HANDOVER_MS = 2_500;

async function main(): Promise<void> {
  const shutdown = handleShutdownSignals();
  // Without a listener this signal would end the process.
  process.on('SIGUSR2', () => undefined);
  const { config, secrets, log } = readSettings();
  const parts = await openParts(config, secrets, log, () => {
    // The supervisor starts it again, as a standby.
    process.exitCode = 1;
    shutdown.stop();
  });
  shutdown.begin(() => {
    parts.endHandover();
    log.info(
      { event: 'bot.stopping' },
      'stopping: no new work is accepted, and the next start resumes the unfinished runs',
    );
    limitDrain(log, (code) => process.exit(code));
  });
  if (await isElected(parts.leadership, shutdown.signal)) await lead(parts, shutdown);
  else log.info({ event: 'bot.stopped' }, 'the standby has stopped');
  for (const part of [parts.gateway, parts.store, parts.spool, parts.server, parts.scraped])
    await part?.close();
}

function readSettings() {
  refuseArguments();
  loadEnvFile();
  const config = readConfig();
  const secrets = new Secrets(config.secrets);
  const log = startLog({ level: config.logLevel, secrets });
  log.info({ event: 'bot.starting', version: VERSION }, 'starting');
  for (const warning of config.warnings) log.warn({ event: 'config.warning' }, warning);
  // A promise that a library forgot to handle must not end the process and with it everybody's runs.
  process.on('unhandledRejection', (error) => {
    const stack = error instanceof Error ? error.stack : undefined;
    log.error({ event: 'bot.unhandled', err: error, stack }, 'an unhandled rejection');
  });
  return { config, secrets, log };
}

type Parts = Awaited<ReturnType<typeof openParts>>;

/** Opens what both a leader and a standby need. */
async function openParts(config: Config, secrets: Secrets, log: Log, onGivenWay: () => void) {
  /** Set once this process leads. */
  const leading: { app?: App } = {};
  const metrics = createMetrics();
  const scraped = config.http.metrics === undefined ? undefined : await metrics.serve(config.http.metrics);
  const opened = await openStore<RunData>({ url: config.store.url, log, readData: readRunData });
  const store = metrics.store(opened);
  const backUp = createBackups(store, log);
  process.on('SIGUSR2', () => void backUp());
  const spool = await openSpoolFolder(config.spoolDir);
  const leadership = new Leadership(store.lease, {
    log,
    onLost: () => {
      log.fatal({ event: 'leader.lost' }, 'another process is the leader now, so this process ends');
      process.exit(1);
    },
    onEmptied: async () => leading.app?.notifyLost(),
    onStandby: () => void warnOfGateway(),
  });
  const role = (): Role => roleOf(leadership);
  const client = trackGateway(openGateway(config, secrets, log, () => leadership.mayWrite()));
  const gateway = metrics.gateway(client.gateway);
  const checkGateway = gatewayCheck(gateway);
  /** A standby with wrong gateway settings should be noticed before it has to lead. */
  const warnOfGateway = async (): Promise<void> => {
    const { ok, detail } = await checkGateway();
    if (!ok) log.warn({ event: 'gateway.away', detail }, 'the gateway cannot be used at the moment');
  };
  const network = openSlackNetwork(config.proxy);
  const slack = await startSlack({
    settings: config.slack,
    network: { ...network, call: guardWrites(metrics.fetch(network.call), leadership) },
    policy: config.policy,
    maxCodeBytes: config.runs.maxCodeBytes,
    counts: metrics.payloads,
    notifyAfterMs: config.runs.notifyAfterMs,
    marksResults: config.runs.resultReactions,
    log,
  });
  metrics.observe({ version: VERSION, role, slack: slack.health, counts: () => leading.app?.counts() });
  const checkStore = storeCheck(() => store.runs.ping(), store.kind);
  const server = await startHealthServer({
    host: config.http.host,
    port: config.http.port,
    version: VERSION,
    role,
    checks: { slack: slack.health, gateway: checkGateway, store: checkStore },
    slackEvents: slack.requests,
  });
  const endHandover = startHandover(store.lease.handover, {
    isLeading: () => leadership.state === 'leading',
    isMissed: { slack: async () => !(await slack.health()).ok, gateway: async () => client.isMissed() },
    reaches: { slack: slack.reaches, gateway: async () => (await checkGateway()).ok },
    onGivenWay,
    log,
  });
  const opens = { metrics, scraped, store, spool, leadership, gateway, network, slack, server };
  return { config, secrets, log, leading, endHandover, ...opens };
}

function openGateway(config: Config, secrets: Secrets, log: Log, mayWrite: () => boolean): Gateway {
  const settings = config.gatewayCredentials;
  const onSecret = (secret: string): void => secrets.add(secret);
  const credentials =
    settings === undefined ? undefined : new RenewingCredentials(settings, { log, onSecret });
  const hide = (text: string): string => secrets.hideIn(text);
  return createGatewayClient(config.gateway, { log, credentials, mayWrite, hide });
}

/** Waits until this process is the leader. False: it was stopped before that. */
async function isElected(leadership: Leadership, signal: AbortSignal): Promise<boolean> {
  try {
    await leadership.waitForTurn(signal);
    return true;
  } catch (error) {
    if (!signal.aborted) throw error;
    return false;
  }
}

/** Resumes the unfinished runs, then listens to Slack until the process is stopped. */
async function lead(parts: Parts, { signal, stopped }: Shutdown): Promise<void> {
  const { config, secrets, log, leading, metrics, store, spool, leadership, slack, network } = parts;
  const { target, includesCode } = config.audit;
  const audit = createAudit({ target, includesCode, dir: spool.parent, post: network.fetch, secrets, log });
  const app = createApp({
    ...parts,
    spoolDir: spool.dir,
    guard: leadership,
    audit,
    onRefused: metrics.payloads.refused,
    onEnded(run, outcome) {
      audit.record(auditEnded(run, outcome));
      metrics.runEnded(run, outcome);
    },
  });
  leading.app = app;
  try {
    // The store or Slack may not answer for a long time. A signal still has to stop the process.
    const recovered = await Promise.race([app.recover(), stopped]);
    if (!signal.aborted) await Promise.race([slack.open(app.bot), stopped]);
    if (!signal.aborted)
      log.info(
        {
          event: 'bot.ready',
          version: VERSION,
          workspace: slack.side.workspace,
          transport: config.slack.transport.kind,
          gateway: new URL(config.gateway.httpUrl).host,
          defaultLanguage: config.runs.defaultLanguage,
          store: store.kind,
          port: parts.server.port,
          recovered,
        },
        'ready',
      );
    await stopped;
    await atMost(close(slack, app), HANDOVER_MS);
  } finally {
    // After a failure too, so that another process need not wait for the lease to expire.
    await leadership.release();
    await audit.close();
  }
}

/** Stops new work first, then closes the websockets to the kernels, then sends the pending edits of run messages. */
async function close(slack: StartedSlack, app: App): Promise<void> {
  await slack.stopListening();
  await app.close();
  await slack.runMessages.close();
}

function roleOf({ state }: Leadership): Role {
  if (state === 'leading') return 'leader';
  return state === 'standby' ? 'standby' : 'inDoubt';
}

try {
  await main();
  process.exit();
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
  // A store that gave no answer may answer at the next start. One that refused needs an operator.
  process.exit(error instanceof StoreError && error.code !== 'silent' ? EXIT_CONFIG : 1);
}
