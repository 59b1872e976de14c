import { expect, test } from 'vitest';
import { startPlayground } from '../../../playground/playground.ts';
import { freePort } from '../../support/free-port.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startBot } from '../../support/start-bot.ts';

async function read(port: number): Promise<string[]> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(response.headers.get('content-type')).toContain('text/plain');
  return (await response.text()).split('\n');
}

/** The value of one sample, 0 when it is not there. */
function sample(lines: readonly string[], name: string): number {
  const line = lines.find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length) ?? 0);
}

test('runs, kernel starts, Slack calls and failures of the gateway are counted', async () => {
  const port = await freePort();
  await using playground = await startPlayground();
  const gateway = await startScriptedGateway();
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => kernel.run(request, 'done');
  };
  await using bot = await startBot({ playground, gateway, environment: { METRICS: `127.0.0.1:${port}` } });
  const ana = playground.as('ana');

  playground.fail('chat.postMessage', { kind: 'rateLimited', retryAfterS: 1 });
  await ana.slash('#data', '/spark 1+1');
  await playground.waitForMessage('#data', ({ text }) => text.includes('done'));
  gateway.answer = ({ method, path }) =>
    method === 'POST' && path === '/api/kernels'
      ? { status: 403, body: { reason: 'Forbidden', message: 'Resource Limit' } }
      : undefined;
  await ana.slash('#general', '/spark 2+2');
  await playground.waitForMessage('#general', ({ text }) => text.includes('Resource Limit'));

  const lines = await read(port);
  expect({
    ok: sample(lines, 'sparkthread_runs_total{outcome="ok",kernelspec="python3"}'),
    notStarted: sample(lines, 'sparkthread_runs_total{outcome="notStarted",kernelspec="python3"}'),
    waits: sample(lines, 'sparkthread_run_queue_seconds_count'),
    durations: sample(lines, 'sparkthread_run_seconds_count{kernelspec="python3"}'),
    started: sample(lines, 'sparkthread_kernel_starts_total{kernelspec="python3",result="ok"}'),
    refused: sample(lines, 'sparkthread_kernel_starts_total{kernelspec="python3",result="refused"}'),
    startTimes: sample(lines, 'sparkthread_kernel_start_seconds_count{kernelspec="python3"}'),
    gatewayErrors: sample(lines, 'sparkthread_gateway_errors_total{call="startKernel",code="refused"}'),
    rateLimited: sample(
      lines,
      'sparkthread_slack_calls_total{method="chat.postMessage",result="rate_limited"}',
    ),
  }).toEqual({
    ok: 1,
    notStarted: 1,
    waits: 1,
    durations: 1,
    started: 1,
    refused: 1,
    startTimes: 1,
    gatewayErrors: 1,
    rateLimited: 1,
  });
  const posts = playground.callsOf('chat.postMessage').filter(({ error }) => error === undefined);
  const counted = 'sparkthread_slack_calls_total{method="chat.postMessage",result="ok"}';
  // The last answer of Slack is counted a moment after the playground shows the message.
  while (sample(await read(port), counted) < posts.length);
  expect(sample(await read(port), counted)).toBe(posts.length);
  expect(sample(lines, 'process_resident_memory_bytes')).toBeGreaterThan(0);
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
  expect((await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'HEAD' })).status).toBe(200);
  expect(bot.log.filter(({ level }) => level === 'error')).toEqual([]);
  await gateway.close();
});
