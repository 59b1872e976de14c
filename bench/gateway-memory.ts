import { monitorEventLoopDelay } from 'node:perf_hooks';
import { execute, runToEnd, startBenchSetting } from './gateway-setting.ts';

/**
 * 100 MB of stdout in frames of at most 1 MB through our client: how much the process grows, and the longest time for
 * which the event loop stood still; then a result of 20 MB in one frame.
 *
 *   node bench/gateway-memory.ts
 */

const mb = (bytes: number) => (bytes / 2 ** 20).toFixed(1);

await using setting = await startBenchSetting();
const { connection } = setting;
await runToEnd(
  connection,
  'import sys\nfor i in range(20):\n    sys.stdout.write("x" * 1_000_000); sys.stdout.flush()',
);

const before = process.memoryUsage.rss();
let most = before;
const watching = setInterval(() => {
  most = Math.max(most, process.memoryUsage.rss());
}, 5);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const since = performance.now();
let bytes = 0;
const printing = execute(
  connection,
  'for i in range(100):\n    sys.stdout.write("x" * 1_000_000); sys.stdout.flush()',
);
for await (const output of printing) {
  if (output.kind === 'stream') bytes += output.text.length;
  most = Math.max(most, process.memoryUsage.rss());
}
const end = await printing.end;
const seconds = (performance.now() - since) / 1000;
delay.disable();
clearInterval(watching);
console.log(
  `stdout: ${mb(bytes)} MiB in ${seconds.toFixed(1)} s (${end.kind}), process grew by ${mb(most - before)} MiB at most, ` +
    `event loop blocked for ${(delay.max / 1e6).toFixed(1)} ms at most`,
);

const result = execute(connection, '"y" * 20_000_000');
let length = 0;
for await (const output of result)
  if (output.kind === 'result') length = String(output.data['text/plain']).length;
console.log(`result: ${length} characters in one message (${(await result.end).kind})`);
