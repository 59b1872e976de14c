import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseEnv } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { ConfigError } from '../errors.ts';
import { proxyFor, type ProxySettings, readExceptions } from '../proxy.ts';
import type { StoreAddress } from '../store/store.ts';
import { readCredentialSettings } from './gateway/credential-files.ts';
import { readGatewaySettings } from './gateway/gateway.ts';
import { listSecrets } from './secrets.ts';
import {
  readValues,
  settingNames,
  type SettingValues,
  warnOfMisspelt,
  type ConfigIssues,
} from './settings.ts';

/** Every setting of the bot, read and checked. `undefined`: there is no such limit, or nothing was chosen. */
export type Config = ReturnType<typeof readConfig>;

/** The bot's version, for logs and health endpoints. */
export const VERSION: string = packageJson.version;

/** Throws `ConfigError` if there are arguments, which would have no effect. It does not repeat them: one may be a token. */
export function refuseArguments(given: readonly string[] = process.argv.slice(2)): void {
  if (given.length > 0)
    throw new ConfigError(['No arguments are read: settings come from the environment and from .env.']);
}

/** Adds the variables of `.env` in the working directory to the environment, unless they are set already. */
export function loadEnvFile(path = '.env'): void {
  const text = readEnvFile(path);
  if (text.includes('\0')) throw new ConfigError([`${path} is not in UTF-8: save it as that.`]);
  for (const [name, value] of Object.entries(parseEnv(text))) process.env[name] ??= value;
}

/** Empty if there is no file. Removes a byte order mark, which would become a part of the first name. */
function readEnvFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return '';
    throw new ConfigError([`${path} cannot be read (${String(code ?? error)}).`]);
  }
}

/** Reads every setting. Throws `ConfigError` with all mistakes at once. An empty variable counts as absent. */
export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env) {
  const { values, issues } = readValues(env);
  issues.warnings.push(...warnOfMisspelt(Object.keys(env), settingNames));
  const slack = readSlack(values, issues);
  const proxy = readProxy(values);
  const gateway = readGatewaySettings(values, proxy, issues);
  const gatewayCredentials = readCredentialSettings(values, gateway?.user ?? values.KG_HTTP_USER, issues);
  checkKernelEnv(values, issues);
  if (values.SPOOL_LIMIT < values.MAX_OUTPUT)
    issues.warnings.push(
      'SPOOL_LIMIT, which is for all runs together, is smaller than MAX_OUTPUT: no run can keep that much output.',
    );
  if (issues.problems.length > 0 || slack === undefined || gateway === undefined)
    // The warnings too: a misspelt name may be why a setting is missing.
    throw new ConfigError(withGivenNames([...issues.problems, ...issues.warnings], issues));
  return {
    slack,
    /** The proxy for Slack. If it is used for the gateway, `gateway` has it too. */
    proxy,
    gateway,
    /** Credentials that expire. Undefined: they are in `gateway` and do not expire. */
    gatewayCredentials,
    store: values.STORE_URL,
    spoolDir: values.SPOOL_DIR ?? folderOf(values.STORE_URL),
    /** Of all runs together. */
    spoolLimitBytes: values.SPOOL_LIMIT,
    runs: {
      /** In lower case → kernelspec. */
      aliases: values.LANGUAGES ?? {},
      defaultLanguage: values.DEFAULT_LANGUAGE,
      autoRun: values.AUTO_RUN,
      editWindowMs: values.EDIT_WINDOW,
      runTimeoutMs: values.RUN_TIMEOUT,
      inputTimeoutMs: values.INPUT_TIMEOUT,
      notifyAfterMs: values.NOTIFY_AFTER,
      resultReactions: values.RESULT_REACTIONS === 'on',
      /** Of UTF-8, all blocks of a run together. */
      maxCodeBytes: values.MAX_CODE,
      maxOutputBytes: values.MAX_OUTPUT,
      /** Unfinished runs per kernel. */
      queueLimit: values.QUEUE_LIMIT,
      /** Unfinished runs per person. */
      userLimit: values.USER_LIMIT,
      /** Kernels that one person's snippets started. */
      kernelsPerUser: values.KERNELS_PER_USER,
      keepRunsMs: values.KEEP_RUNS,
    },
    spark: {
      progress: values.SPARK_PROGRESS,
      /** Templates with `{appId}` and `{jobId}`. The first may be `off`. */
      uiUrl: values.SPARK_UI_URL,
      historyUrl: values.SPARK_HISTORY_URL,
      /** Spark's REST API, and the proxy for it. */
      status: statusOf(values.SPARK_STATUS_URL, proxy),
      /** Rows of a SQL result. */
      sqlRows: values.SQL_ROWS,
      /** Rows of a DataFrame that is a cell's result. 0: none are shown. */
      resultRows: values.SHOW_DATAFRAMES,
    },
    kernels: {
      /** May contain `{channel}` and `{user}`. */
      username: values.KERNEL_USERNAME,
      env: values.KERNEL_ENV,
      /** A channel has one kernel for each kernelspec, and not only one. */
      several: values.KERNELS_PER_CHANNEL,
      idleTimeoutMs: values.IDLE_TIMEOUT,
    },
    policy: {
      /** User ids and user group ids. */
      admins: values.ADMINS ?? [],
      restartBy: values.RESTART_BY,
      /** Undefined: everywhere. */
      allowedChannels: values.ALLOWED_CHANNELS,
      /** User ids and user group ids; undefined: everyone. */
      allowedUsers: values.ALLOWED_USERS,
      /** Bot ids, app ids and user ids. */
      allowedBots: values.ALLOWED_BOTS ?? [],
      allowGuests: values.ALLOW_GUESTS,
      allowExternal: values.ALLOW_EXTERNAL,
    },
    http: {
      // Only Slack has to reach the port, and with Socket Mode not even Slack. Undefined: every address of this machine.
      host: values.HOST ?? (slack.transport.kind === 'socket' ? '127.0.0.1' : undefined),
      port: values.PORT,
      metrics: values.METRICS,
    },
    logLevel: values.LOG_LEVEL,
    audit: { target: values.AUDIT, includesCode: values.AUDIT_CODE },
    /** Sentences for the operator. The bot can start in spite of them. */
    warnings: withGivenNames(issues.warnings, issues),
    /** Everything that must never appear in a log or a message. */
    secrets: listSecrets(values, gateway),
  };
}

/** Names settings as they were given, which may be by Jupyter Server's names. */
function withGivenNames(sentences: readonly string[], { givenAs }: ConfigIssues): string[] {
  return sentences.map((sentence) =>
    sentence.replaceAll(/\b[A-Z_]+\b/g, (name) => givenAs.get(name) ?? name),
  );
}

/** Where output is stored without SPOOL_DIR. Undefined: nowhere that outlives the process, as a store in memory. */
function folderOf(store: StoreAddress): string | undefined {
  if (store.kind === 'memory') return undefined;
  return store.kind === 'sqlite' ? dirname(store.path) : 'data';
}

function readProxy({ HTTPS_PROXY: url, NO_PROXY }: SettingValues): ProxySettings | undefined {
  return url === undefined ? undefined : { url, exceptions: readExceptions(NO_PROXY ?? '') };
}

function statusOf(url: string | undefined, proxy: ProxySettings | undefined) {
  return url === undefined ? undefined : { url, proxy: proxyFor(url, proxy) };
}

/** Undefined, with the problems added, if something is missing. The API's URL ends with a slash. */
function readSlack(values: SettingValues, issues: ConfigIssues) {
  const { SLACK_BOT_TOKEN: botToken, SLACK_API_URL: apiUrl } = values;
  const transport = readTransport(values);
  const isReported = (...names: string[]) => names.some((name) => issues.unread.has(name));
  if (botToken === undefined && !isReported('SLACK_BOT_TOKEN'))
    issues.problems.push('SLACK_BOT_TOKEN is missing: the bot token of the Slack app (xoxb-…).');
  if (transport === undefined && !isReported('SLACK_APP_TOKEN', 'SLACK_SIGNING_SECRET'))
    issues.problems.push(
      'SLACK_APP_TOKEN is missing: an app-level token (xapp-…) for Socket Mode, or SLACK_SIGNING_SECRET for signed HTTP.',
    );
  return botToken === undefined || transport === undefined ? undefined : { botToken, apiUrl, transport };
}

function readTransport({ SLACK_APP_TOKEN: appToken, SLACK_SIGNING_SECRET: signingSecret }: SettingValues) {
  if (appToken !== undefined) return { kind: 'socket', appToken } as const;
  if (signingSecret !== undefined) return { kind: 'http', signingSecret } as const;
  return undefined;
}

/** The bot sets these itself at every start. */
const OWN_KERNEL_NAMES = ['KERNEL_ID', 'KERNEL_USERNAME', 'KERNEL_LAUNCH_TIMEOUT'];

function checkKernelEnv(values: SettingValues, issues: ConfigIssues): void {
  for (const name of ['name', 'kernel_id', 'env'].filter((each) => each in (values.KERNEL_BODY ?? {})))
    issues.problems.push(
      name === 'env'
        ? 'KERNEL_BODY must not hold env: KERNEL_ENV is for that.'
        : `KERNEL_BODY must not hold ${name}: each start has its own.`,
    );
  for (const name of OWN_KERNEL_NAMES.filter((each) => each in values.KERNEL_ENV))
    issues.problems.push(
      name === 'KERNEL_ID'
        ? 'KERNEL_ENV must not hold KERNEL_ID: each kernel gets one of its own.'
        : `KERNEL_ENV must not hold ${name}: there is a setting of that name.`,
    );
}
