import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { KernelAPI, KernelConnection as LabConnection, ServerConnection } from '@jupyterlab/services';
import { WebSocket } from 'ws';
import { type BenchSetting, median, runToEnd, startBenchSetting } from './gateway-setting.ts';

/**
 * `1+1` in one kernel, again and again: our client against @jupyterlab/services on the same gateway, in turns, and
 * against jupyter_client over ZeroMQ with no gateway in between. A bare websocket, which sends the request and looks for
 * reply and idle, shows what gateway and kernel take. Prints medians and their ratios.
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

/** The fastest possible client on this gateway: it sends frames and pongs like ours, and searches a text three times. */
async function startBareClient({ server, wsUrl, gateway }: BenchSetting): Promise<Client> {
  const headers = { authorization: `token ${server.token}` };
  const { id } = await gateway.startKernel({ kernelspec: 'python3', kernelId: randomUUID(), env: {} });
  const session = randomUUID();
  const url = new URL(`/api/kernels/${id}/channels?session_id=${session}`, wsUrl);
  const socket = new WebSocket(url, {
    headers,
    perMessageDeflate: false,
  });
  await once(socket, 'open');
  return {
    async run() {
      const { promise, resolve } = Promise.withResolvers<void>();
      const header = {
        msg_id: randomUUID(),
        msg_type: 'execute_request',
        session,
        username: '',
        version: '5.3',
      };
      const asked = { silent: false, store_history: true, user_expressions: {}, allow_stdin: false };
      const message = { channel: 'shell', header, parent_header: {}, metadata: {}, buffers: [] };
      const seen = { reply: false, idle: false };
      const take = (frame: Buffer): void => {
        socket.pong();
        const text = frame.toString();
        if (!text.includes(header.msg_id)) return;
        seen.reply ||= text.includes('"execute_reply"');
        seen.idle ||= text.includes('"idle"');
        if (seen.reply && seen.idle) resolve();
      };
      socket.on('message', take);
      socket.send(JSON.stringify({ ...message, content: { code: '1+1', ...asked } }));
      await promise;
      socket.off('message', take);
    },
    async stop() {
      socket.close();
      await gateway.shutDownKernel(id);
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

/** The clients' medians. They take turns, so that slow moments of the machine hit all. */
async function compare(clients: readonly Client[], pauseMs: number): Promise<number[]> {
  const sides = clients.map((client) => ({ client, times: [] as number[] }));
  for (const client of clients) await timed(client, 0, 5);
  for (let round = 0; round < rounds; round += 1)
    for (const { client, times } of sides) times.push(...(await timed(client, pauseMs, runsPerRound)));
  return sides.map(({ times }) => median(times));
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
const bare = await startBareClient(setting);
for (const pauseMs of [0, 100]) {
  const [oursMs = NaN, labMs = NaN, bareMs = NaN] = await compare([ours, lab, bare], pauseMs);
  const title = pauseMs === 0 ? 'back to back' : `${pauseMs} ms between runs`;
  const ratio = (labMs / oursMs).toFixed(2);
  console.log(
    `${title}: ours ${show(oursMs)}, @jupyterlab/services ${show(labMs)}, theirs/ours ${ratio}; ` +
      `bare websocket ${show(bareMs)}, services/bare ${(labMs / bareMs).toFixed(2)}`,
  );
}
const direct = await directMedian(setting);
const [again = NaN, bareAgain = NaN] = await compare([ours, bare], 0);
console.log(
  `back to back: ours ${show(again)}, jupyter_client ${show(direct)}, ours/theirs ${(again / direct).toFixed(2)}; ` +
    `bare websocket ${show(bareAgain)}, bare/theirs ${(bareAgain / direct).toFixed(2)}`,
);
await lab.stop();
await bare.stop();
