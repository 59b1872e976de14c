import type { IncomingMessage } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import receiverModule from '@slack/bolt/dist/receivers/HTTPReceiver.js';
import type { Logger } from '@slack/web-api';
import { StoreError } from '../../errors.ts';
import { atMostEvery, type HealthCheck } from '../../server/health.ts';
import type { SlackTransport } from './acked-after-accept-app.ts';
import { logUnhandled } from './network.ts';

export interface SignedHttpOptions {
  signingSecret: string;
  /** `auth.test`; rejects if Slack refuses the token or does not answer. */
  askSlack: () => Promise<unknown>;
  logger: Logger;
}

/** Just before Slack gives a request up, which is after 3 s. */
const ANSWER_WITHIN_MS = 2_900;
/** How long an answer of Slack counts for the health check. */
const SLACK_KEEP_MS = 30_000;

/**
 * Receives payloads by signed HTTP. Bolt checks signatures (401); the server is ours, so that health
 * checks and Slack share a port. A payload that is not accepted is answered 503: Slack repeats events after any answer
 * but a 2xx.
 */
export function createSignedHttp({ signingSecret, askSlack, logger }: SignedHttpOptions): SlackTransport {
  let accepting = false;
  const receiver = new receiverModule.default({
    signingSecret,
    endpoints: '/slack/events',
    logger,
    unhandledRequestTimeoutMillis: ANSWER_WITHIN_MS,
    unhandledRequestHandler({ response }) {
      logger.warn('a payload was not accepted in time; Slack is told to repeat it');
      if (!response.headersSent) response.writeHead(503).end();
    },
    async processEventErrorHandler({ error, response }) {
      // It was accepted after it had been answered 503; Slack’s repetition is known then.
      if ('code' in error && error.code === 'ERR_HTTP_HEADERS_SENT') return true;
      logUnhandled(error, logger);
      if (!response.headersSent) response.writeHead(error instanceof StoreError ? 503 : 500).end();
      return true;
    },
  });
  const slack: HealthCheck = atMostEvery(SLACK_KEEP_MS, async () => {
    await askSlack();
    return { ok: true, detail: 'Slack answers; its requests are awaited at /slack/events.' };
  });
  return {
    receiver,
    async open() {
      accepting = true;
    },
    async close() {
      accepting = false;
    },
    health: async () => (accepting ? await slack() : { ok: false, detail: 'Not taking requests.' }),
    requests(request, response) {
      void isGivenUp(request).then((isLost) => {
        if (isLost) return;
        if (accepting) receiver.requestListener(request, response);
        else response.writeHead(503, { connection: 'close' }).end();
      });
    },
  };
}

/**
 * Whether Slack has closed the connection: this process stood still, Slack waited for 3 s and told the person that it
 * failed. The end of a connection is read in the turn after the request.
 */
async function isGivenUp(request: IncomingMessage): Promise<boolean> {
  await nextTurn();
  await nextTurn();
  return request.socket.destroyed;
}
