import type { WebClient } from '@slack/web-api';
import type { Config } from '../config/config.ts';
import { silentLog } from '../log.ts';
import type { ProxySettings } from '../proxy.ts';
import { readCallError, unansweredWords } from '../slack/api/call-error.ts';
import { BOT_SCOPES } from '../slack/manifest.ts';
import { compareClocks } from '../slack/transport/compare-clocks.ts';
import { openClient, openSlackNetwork } from '../slack/transport/network.ts';
import { checkTunnel } from './check-proxy.ts';
import type { Report } from './report.ts';

/** Checks the clock, the bot token, its scopes, and how Slack's events arrive. */
export async function checkSlack(
  { slack: { botToken, apiUrl, transport }, proxy }: Pick<Config, 'slack' | 'proxy'>,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const fetch = compareClocks(openSlackNetwork(proxy).call, (difference) => {
    if (difference === undefined) report.ok('clock', 'It agrees with Slack’s.');
    else report.failed('clock', difference, 'Have NTP set the clock of this machine.');
  });
  const client = (token: string): WebClient =>
    openClient({ botToken: token, apiUrl }, silentLog, {
      fetch,
      isUrgent: true,
      retryConfig: { retries: 1, minTimeout: 500 },
    });
  await checkBotToken(client(botToken), report);
  if (signal.aborted) return;
  if (transport.kind === 'socket') await checkSocketMode(client(transport.appToken), proxy, report);
  else
    report.skipped(
      'Slack HTTP',
      'Only Slack can try the signing secret: save the Request URL https://<your address>/slack/events under Event Subscriptions, with the bot running.',
    );
}

async function checkBotToken(client: WebClient, report: Report): Promise<void> {
  try {
    const { team, user, response_metadata: about } = await client.auth.test();
    report.ok('Slack bot token', `@${user} in the workspace ${team}.`);
    compareScopes(about?.scopes, report);
  } catch (error) {
    report.failed('Slack bot token', ...explain(error, botTokenRemedy));
    report.skipped('Slack scopes', 'Needs a bot token that Slack takes.');
  }
}

/** Slack names a token's scopes in the header `x-oauth-scopes` of each answer. */
function compareScopes(given: readonly string[] | undefined, report: Report): void {
  const what = 'Slack scopes';
  if (given === undefined) {
    report.skipped(what, 'Slack does not tell the scopes of this token.');
    return;
  }
  const missing = Object.entries(BOT_SCOPES).filter(([scope]) => !given.includes(scope));
  if (missing.length > 0) {
    const list = missing.map(([scope, why]) => `${scope} (${why})`).join(', ');
    report.failed(
      what,
      `Missing: ${list}.`,
      'Add them under OAuth & Permissions, or paste manifest.yml under App Manifest; then reinstall the app.',
    );
    return;
  }
  const more = given.filter((scope) => !Object.hasOwn(BOT_SCOPES, scope));
  report.ok(what, `All ${Object.keys(BOT_SCOPES).length} that manifest.yml asks for.`);
  if (more.length > 0) report.note(`The token has scopes that Sparkthread does not use: ${more.join(', ')}.`);
}

/** Asks for the address of a websocket but does not open it, because it would receive events for the running bot. */
async function checkSocketMode(
  client: WebClient,
  proxy: ProxySettings | undefined,
  report: Report,
): Promise<void> {
  const what = 'Socket Mode';
  try {
    const { url } = await client.apps.connections.open({});
    report.ok(what, 'Slack gives us a websocket address.');
    if (url !== undefined) await checkTunnel(proxy, url, report);
  } catch (error) {
    report.failed(what, ...explain(error, appTokenRemedy));
  }
}

/** What happened, and what to change. */
function explain(error: unknown, remedyOf: (code: string) => string): [text: string, remedy: string] {
  const failure = readCallError(error);
  if (failure.kind === 'refused') return [`Slack says ${failure.code}.`, remedyOf(failure.code)];
  if (failure.kind === 'rateLimited')
    return ['Slack accepts no more calls at the moment.', 'Wait a minute and try again.'];
  return [
    `${unansweredWords(error)}.`,
    'Try again in a minute, and check that this machine reaches https://slack.com (HTTPS_PROXY names a proxy).',
  ];
}

function botTokenRemedy(code: string): string {
  if (code === 'account_inactive' || code === 'token_revoked')
    return 'The app was removed from the workspace: install it again and put the new bot token into SLACK_BOT_TOKEN.';
  return 'Copy the Bot User OAuth Token (xoxb-…) from OAuth & Permissions into SLACK_BOT_TOKEN.';
}

function appTokenRemedy(code: string): string {
  if (code === 'missing_scope' || code === 'no_permission')
    return 'Give the app-level token the scope connections:write (Basic Information, App-Level Tokens).';
  return 'Turn Socket Mode on, and put an app-level token (xapp-…) of this app with connections:write into SLACK_APP_TOKEN.';
}
