import type { KnownBlock } from '@slack/types';
import { z } from 'zod';
import { StoreError, UserError } from '../../errors.ts';
import { GatewayError } from '../../gateway/errors.ts';
import { isUnanswered } from '../api/call-error.ts';
import { buttonRow, createValueButton, escapeMrkdwn, section } from './elements.ts';

/**
 * What a person reads when something was not done: the one place that words errors outside of run messages. Each is a
 * sentence that ends with what became of the request. Plain text; undefined for a bug, which the caller words.
 */
export function refusalText(error: unknown): string | undefined {
  if (error instanceof UserError) return error.message;
  if (error instanceof StoreError)
    return 'This could not be accepted, nothing ran: the bot’s store gives no answer. Try again in a minute.';
  if (error instanceof GatewayError) return gatewayText(error);
  if (isUnanswered(error))
    return 'Slack gives no usable answer, so this could not be done. Try again in a minute; tell an admin if it stays so.';
  return undefined;
}

/** The same for a message, where file names and the gateway's words could be markup. */
export function refusalMrkdwn(error: unknown): string | undefined {
  const text = refusalText(error);
  return text === undefined ? undefined : escapeMrkdwn(text);
}

function gatewayText(error: GatewayError): string {
  switch (error.code) {
    case 'unreachable':
      return 'The gateway cannot be reached, so nothing ran. Tell an admin if it stays so.';
    case 'untrusted':
      return 'The gateway’s TLS certificate is not trusted or not valid now, so nothing ran. An admin has to renew it, or name its certificate authority to the bot.';
    case 'unauthorized':
      return `The gateway refused the bot’s credentials${status(error)}, so nothing ran. An admin has to correct user, password or token.`;
    case 'noCredentials':
      return `${error.message}, so nothing ran. Tell an admin if it stays so.`;
    case 'serverStopped':
      return 'The JupyterHub server behind the bot is stopped, so nothing was done. A run starts it where an admin has set that up; else it has to be started in JupyterHub.';
    case 'refused':
      // A wrong path: a missing kernel has the code kernelGone.
      if (error.status === 404) return wrongAddress(error);
      return `${error.message}, so nothing was done.`;
    case 'kernelGone':
      return 'That kernel is gone, with its variables. The next snippet starts a new one.';
    case 'startFailed':
      return `The kernel did not start: ${error.message}`;
    case 'writesPaused':
      return 'The bot is handing over to another process, so nothing was done. Try again in a moment.';
    case 'badAnswer':
      // The address is right, but the gateway or its proxy failed.
      if (error.status !== undefined && error.status >= 500)
        return `${error.message}. Try again; tell an admin if it stays so.`;
      return wrongAddress(error);
  }
}

function wrongAddress(error: GatewayError): string {
  return `What answers at the gateway’s address is not a Jupyter gateway${status(error)}, so nothing ran. An admin has to check the gateway’s address.`;
}

function status(error: GatewayError): string {
  return error.status === undefined ? '' : ` (${error.status})`;
}

/** What a person reads about a bug; the details are in the log. */
export const BROKEN_TEXT = 'Something broke on our side, nothing ran. Tell an admin: it is in the log.';

/** The message that came late; outside threads `thread` is its own ts. */
const lateSchema = z.object({ channel: z.string(), thread: z.string(), ts: z.string() });
export const runNowButton = createValueButton('late:run', 'Run now', lateSchema);

/** The notice (mrkdwn) to the author of a message that came late, with a button that runs it. */
export function renderRunNow(text: string, late: z.infer<typeof lateSchema>): KnownBlock[] {
  return [section(text), buttonRow(runNowButton.render(late))];
}
