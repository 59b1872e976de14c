import { expect, test } from 'vitest';
import { freePort } from '../../../demo/jupyter-app.ts';
import { startPlayground } from '../../../playground/playground.ts';
import { holdKernels } from '../../support/held-kernels.ts';
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

test('the metrics count what waits, what is there and what was refused', async () => {
  const port = await freePort();
  await using playground = await startPlayground({ rates: false });
  const gateway = await startScriptedGateway();
  const held = holdKernels(gateway);
  const environment = { METRICS: `127.0.0.1:${port}`, QUEUE_LIMIT: '2' };
  await using bot = await startBot({ playground, gateway, environment });
  const ana = playground.as('ana');
  await ana.slash('#data', '/spark first()');
  const run = await held.untilBegun('first()');
  await ana.slash('#data', '/spark second()');
  expect((await ana.slash('#data', '/spark third()')).text).toContain('is full');
  await playground.waitForMessage('#data', ({ text }) => text.includes('first() begins'));
  const now = async (name: string): Promise<number> => sample(await read(port), `sparkthread_${name}`);
  expect({
    waiting: await now('runs_waiting'),
    inFlight: await now('runs_in_flight'),
    unposted: await now('runs_unposted'),
    refused: await now('refusals_total{reason="queueFull"}'),
    leader: await now('leader'),
    connected: await now('slack_connected'),
    kernels: await now('kernels'),
    accepts: await now('store_seconds_count{call="accept"}'),
    unacknowledged: await now('events_unacknowledged_total'),
  }).toEqual({
    waiting: 1,
    inFlight: 1,
    unposted: 0,
    refused: 1,
    leader: 1,
    connected: 1,
    kernels: 1,
    accepts: 2,
    unacknowledged: 0,
  });
  expect((await read(port)).join()).toMatch(/sparkthread_build_info\{version="\d+\.\d+\.\d+",node="24/);
  expect(await now('spool_bytes')).toBeGreaterThan(0);
  // Three commands, and the events of the bot's own messages.
  expect(await now('acknowledgement_seconds_count')).toBeGreaterThanOrEqual(3);
  run.end();
  (await held.untilBegun('second()')).end();
  await bot.untilLog(({ audit }) => audit === 'run');
  await gateway.close();
});

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
