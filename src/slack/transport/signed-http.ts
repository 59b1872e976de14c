import type { RequestListener } from 'node:http';
import { parse } from 'node:querystring';
import { bufferIncomingMessage, defaultBodyLimit } from '@slack/bolt/dist/receivers/HTTPModuleFunctions.js';
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
      logUnhandled(error, logger);
      if (!response.headersSent) response.writeHead(error instanceof StoreError ? 503 : 500).end();
      return true;
    },
  });
  /** For null Bolt ends its own work without an answer, and other JSON that is no object it leaves waiting. */
  const receive = async (...[request, response]: Parameters<RequestListener>): Promise<void> => {
    try {
      // Bolt finds the body in the request and does not read it again.
      const { rawBody } = await bufferIncomingMessage(request, defaultBodyLimit);
      if (holdsObject(rawBody.toString(), request.headers['content-type']))
        return receiver.requestListener(request, response);
      logger.warn('a request was refused: its body holds no object');
      response.writeHead(400).end();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      logger.warn(`a request could not be read: ${why}`);
      response.writeHead(413, { connection: 'close' }).end();
    }
  };
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
      if (accepting) void receive(request, response);
      else response.writeHead(503, { connection: 'close' }).end();
    },
  };
}

/** Events are JSON; interactions are a form with JSON in its field `payload`, and commands a form without it. */
function holdsObject(body: string, contentType: string | undefined): boolean {
  const isForm = contentType === 'application/x-www-form-urlencoded';
  const json = isForm ? parse(body)['payload'] : body;
  return typeof json === 'string' ? /^\s*\{/.test(json) : isForm;
}
