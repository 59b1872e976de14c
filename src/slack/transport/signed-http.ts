import receiverModule from '@slack/bolt/dist/receivers/HTTPReceiver.js';
import type { Logger } from '@slack/web-api';
import { StoreError } from '../../errors.ts';
import { atMostEvery, type HealthCheck } from '../../server/health.ts';
import type { SlackTransport } from './acked-after-accept-app.ts';

export interface SignedHttpOptions {
  signingSecret: string;
  /** Asks Slack whether it knows us; rejects when it does not answer or refuses. */
  askSlack: () => Promise<unknown>;
  logger: Logger;
}

/** Slack gives a request up after 3 s; what is told before that is repeated for what it was. */
const ANSWER_WITHIN_MS = 2_900;
/** Slack's word that it takes us counts for so long. */
const SLACK_KEEP_MS = 30_000;

/**
 * Signed HTTP. Bolt checks signatures (401) and reads bodies; the server is ours, so that health and Slack share a port.
 * What is not accepted is answered 503: Slack repeats events after any answer but a 2xx.
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
      const isStoreSilent = error instanceof StoreError;
      if (isStoreSilent) logger.warn(`a payload was not accepted: ${error.message}`);
      else logger.error(`a payload broke: ${error.message}`);
      if (!response.headersSent) response.writeHead(isStoreSilent ? 503 : 500).end();
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
      if (accepting) receiver.requestListener(request, response);
      else response.writeHead(503, { connection: 'close' }).end();
    },
  };
}
