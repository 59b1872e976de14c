import type { RenewingCredentials } from '../gateway/auth/credentials.ts';
import { GatewayError } from '../gateway/errors.ts';
import { httpRemedy } from './gateway-hints.ts';
import type { Report } from './report.ts';

const WHAT = 'gateway token';

/** Whether credentials that end can be had: their length and end, never the credentials. */
export async function checkCredentials(
  credentials: Pick<RenewingCredentials, 'facts'>,
  report: Report,
  now = Date.now(),
): Promise<void> {
  report.progress('fetching the gateway’s token');
  try {
    const { characters, endsMs } = await credentials.facts();
    const end =
      endsMs === undefined
        ? 'its end is not told'
        : `it ${endsMs > now ? 'ends' : 'ended'} at ${new Date(endsMs).toISOString()} (${spanWords(endsMs - now)})`;
    const text = `${characters} characters; ${end}.`;
    if (endsMs === undefined || endsMs > now) report.ok(WHAT, text);
    else report.failed(WHAT, text, 'Let the command or the file give a fresh token, and compare the clocks.');
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    report.failed(WHAT, `${error.message}.`, httpRemedy(error));
  }
}

function spanWords(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  const span = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  return ms > 0 ? `in ${span}` : `${span} ago`;
}
