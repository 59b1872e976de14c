import { randomUUID } from 'node:crypto';
import { Agent, fetch } from 'undici';
import { WebSocket } from 'ws';
import { z } from 'zod';

type Place = { url: string; token?: string; wsUrl?: string; headers?: Record<string, string>; ca?: Buffer };

const message = z.looseObject({
  msg_type: z.string(),
  parent_header: z.looseObject({ msg_id: z.string().optional() }),
  content: z.looseObject({ text: z.string().optional(), execution_state: z.string().optional() }),
});

/**
 * Runs a snippet in a new kernel by the fewest steps that can work, without our client, to see whether a backend works.
 * Waits for reply and idle.
 * @returns all stream text
 */
export async function runOnce(place: Place, kernelspec: string, code: string): Promise<{ text: string }> {
  const headers = { ...(place.token ? { authorization: `token ${place.token}` } : {}), ...place.headers };
  const dispatcher = new Agent({ connect: place.ca ? { ca: place.ca } : {} });
  const call = (path: string, init: { method: string; body?: string }) =>
    fetch(new URL(path, place.url), {
      ...init,
      headers: { ...headers, 'content-type': 'application/json' },
      dispatcher,
    });
  const body = JSON.stringify({ name: kernelspec, env: { KERNEL_USERNAME: 'tester' } });
  const started = await call('api/kernels', { method: 'POST', body });
  const { id } = z.object({ id: z.string() }).parse(await started.json());
  const root = place.wsUrl ?? place.url.replace(/^http/, 'ws');
  const socket = new WebSocket(new URL(`api/kernels/${id}/channels?session_id=${randomUUID()}`, root), {
    headers,
    ...(place.ca ? { ca: place.ca } : {}),
  });
  try {
    const text = await execute(socket, code);
    return { text };
  } finally {
    socket.terminate();
    await call(`api/kernels/${id}`, { method: 'DELETE' });
    await dispatcher.close();
  }
}

function execute(socket: WebSocket, code: string): Promise<string> {
  const header = {
    msg_id: randomUUID(),
    msg_type: 'execute_request',
    session: randomUUID(),
    username: 'tester',
    version: '5.3',
    date: new Date().toISOString(),
  };
  const content = {
    code,
    silent: false,
    store_history: true,
    user_expressions: {},
    allow_stdin: false,
    stop_on_error: false,
  };
  return new Promise((resolve, reject) => {
    const missing = new Set(['execute_reply', 'idle']);
    let text = '';
    socket.on('error', reject);
    socket.on('open', () => {
      socket.send(JSON.stringify({ channel: 'shell', header, parent_header: {}, metadata: {}, content }));
    });
    socket.on('message', (data: Buffer) => {
      const said = message.parse(JSON.parse(data.toString('utf8')));
      if (said.parent_header.msg_id !== header.msg_id) return;
      if (said.msg_type === 'stream') text += said.content.text ?? '';
      missing.delete(said.msg_type);
      if (said.content.execution_state) missing.delete(said.content.execution_state);
      if (missing.size === 0) resolve(text);
    });
  });
}
