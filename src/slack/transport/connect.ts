import type { FetchFunction } from '@slack/web-api';
import type { Log } from '../../log.ts';
import { AckedAfterAcceptApp, type SlackTransport } from './acked-after-accept-app.ts';
import { boltLogger, CALL_TIMEOUT_MS, clientOptions, type SlackNetwork } from './network.ts';
import { createSignedHttp } from './signed-http.ts';
import { createSocketMode } from './socket-mode.ts';

export interface SlackSettings {
  botToken: string;
  apiUrl: string | undefined;
  transport: { kind: 'socket'; appToken: string } | { kind: 'http'; signingSecret: string };
}

/** The Bolt app and what brings it Slack's payloads. Nothing is connected before the transport's `open`. */
export function openSlackApp(
  { botToken, apiUrl, transport: settings }: SlackSettings,
  log: Log,
  fetch: FetchFunction | undefined,
  dispatcher: SlackNetwork['socketDispatcher'],
): { app: AckedAfterAcceptApp; transport: SlackTransport } {
  const logger = boltLogger(log);
  const transport =
    settings.kind === 'socket'
      ? createSocketMode({
          appToken: settings.appToken,
          apiUrl,
          fetch,
          dispatcher,
          callTimeoutMs: CALL_TIMEOUT_MS,
          logger,
        })
      : createSignedHttp({
          signingSecret: settings.signingSecret,
          askSlack: () => app.client.auth.test({ token: botToken }),
          logger,
        });
  const app: AckedAfterAcceptApp = new AckedAfterAcceptApp({
    token: botToken,
    receiver: transport.receiver,
    clientOptions: clientOptions(apiUrl, fetch),
    logger,
    convoStore: false,
    ignoreSelf: true,
    deferInitialization: true,
  });
  return { app, transport };
}
