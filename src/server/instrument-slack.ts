import type { FetchFunction } from '@slack/web-api';
import { Counter, type Registry } from 'prom-client';

/** The fetch that Slack's clients call through, counting every attempt: what they repeat counts again. */
export function instrumentSlack(registry: Registry): FetchFunction {
  const calls = new Counter({
    name: 'sparkthread_slack_calls_total',
    help: 'Calls of Slack’s Web API, by method and result: ok, rate_limited (429), Slack’s error, http_<status> or no_answer',
    labelNames: ['method', 'result'],
    registers: [registry],
  });
  return async (url, init) => {
    const method = methodOf(url);
    try {
      const response = await fetch(url, init);
      // A copy is read beside the client, which does not wait for it.
      void resultOf(response.status, response.clone()).then((result) => calls.inc({ method, result }));
      return response;
    } catch (error) {
      calls.inc({ method, result: 'no_answer' });
      throw error;
    }
  };
}

/** `chat.postMessage` of `https://slack.com/api/chat.postMessage`. */
function methodOf(url: string | URL): string {
  const { pathname } = new URL(url);
  return /[a-zA-Z]+(?:\.[a-zA-Z]+)+$/.exec(pathname)?.[0] ?? 'other';
}

async function resultOf(status: number, answer: { json: () => Promise<unknown> }): Promise<string> {
  if (status === 429) return 'rate_limited';
  if (status !== 200) return `http_${status}`;
  const said = await answer.json().catch(() => undefined);
  if (typeof said !== 'object' || said === null || !('ok' in said)) return 'no_answer';
  return said.ok === true ? 'ok' : 'error' in said ? String(said.error) : 'no_answer';
}
