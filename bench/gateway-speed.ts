import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { KernelAPI, KernelConnection as LabConnection, ServerConnection } from '@jupyterlab/services';
import { type BenchSetting, median, runToEnd, startBenchSetting } from './gateway-setting.ts';

/**
 * `1+1` in one kernel, again and again: our client against @jupyterlab/services on the same gateway, in turns, and
 * against jupyter_client over ZeroMQ with no gateway in between. Prints medians and their ratios.
 *
 *   node bench/gateway-speed.ts
 */

interface Client {
  run: () => Promise<unknown>;
  stop: () => Promise<void>;
}

const rounds = 8;
const runsPerRound = 25;

async function startLabClient({ server, wsUrl }: BenchSetting): Promise<Client> {
  const serverSettings = ServerConnection.makeSettings({
    baseUrl: server.url,
    wsUrl,
    token: server.token,
    appendToken: true,
  });
  const model = await KernelAPI.startNew({ name: 'python3' }, serverSettings);
  const kernel = new LabConnection({ model, serverSettings });
  await kernel.info;
  return {
    run: () => kernel.requestExecute({ code: '1+1' }).done,
    stop: async () => {
      await kernel.shutdown();
      kernel.dispose();
    },
  };
}

async function timed(client: Client, pauseMs: number, runs: number): Promise<number[]> {
  const times: number[] = [];
  for (let done = 0; done < runs; done += 1) {
    const since = performance.now();
    await client.run();
    times.push(performance.now() - since);
    if (pauseMs > 0) await pause(pauseMs);
  }
  return times;
}

/** Medians of both clients, in turns, so that the machine's moods hit both. */
async function compare(
  ours: Client,
  theirs: Client,
  pauseMs: number,
): Promise<{ ours: number; theirs: number }> {
  const times = { ours: [] as number[], theirs: [] as number[] };
  await timed(ours, 0, 5);
  await timed(theirs, 0, 5);
  for (let round = 0; round < rounds; round += 1) {
    times.ours.push(...(await timed(ours, pauseMs, runsPerRound)));
    times.theirs.push(...(await timed(theirs, pauseMs, runsPerRound)));
  }
  return { ours: median(times.ours), theirs: median(times.theirs) };
}

/** The same over ZeroMQ; the script prints its median in milliseconds. */
async function directMedian({ provisioned }: BenchSetting): Promise<number> {
  const script = fileURLToPath(new URL('gateway-speed-direct.py', import.meta.url));
  const child = spawn(provisioned.venv.python, [script, String(rounds * runsPerRound)], {
    env: { PATH: process.env['PATH'] ?? '', JUPYTER_PATH: provisioned.kernelspecsFolder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of child.stdout) text += String(chunk);
  return Number(text.trim());
}

const show = (ms: number) => `${ms.toFixed(2)} ms`;

await using setting = await startBenchSetting();
const ours: Client = {
  run: () => runToEnd(setting.connection, '1+1'),
  stop: () => setting.connection.close(),
};
const lab = await startLabClient(setting);
for (const pauseMs of [0, 100]) {
  const medians = await compare(ours, lab, pauseMs);
  const title = pauseMs === 0 ? 'back to back' : `${pauseMs} ms between runs`;
  const ratio = (medians.theirs / medians.ours).toFixed(2);
  console.log(
    `${title}: ours ${show(medians.ours)}, @jupyterlab/services ${show(medians.theirs)}, theirs/ours ${ratio}`,
  );
}
const direct = await directMedian(setting);
const again = median(await timed(ours, 0, rounds * runsPerRound));
console.log(
  `back to back: ours ${show(again)}, jupyter_client ${show(direct)}, ours/theirs ${(again / direct).toFixed(2)}`,
);
await lab.stop();
