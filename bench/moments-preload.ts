/**
 * Loaded with `--import` into a bot's process by `time-of-an-answer.ts`, so that src needs no hook: when a mention came, when its
 * code was written to the kernel, when the kernel said that it works and that it is idle, and when Slack's call was made, was
 * sent and was answered. SQLite's transactions between them are added up. One line of JSON for each answer, in MOMENTS_FILE.
 */
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { SocketModeClient } from '@slack/socket-mode';
import { WebSocket } from 'ws';

/** Milliseconds after the mention. */
export type Moments = Partial<
  Record<'written' | 'busy' | 'idle' | 'called' | 'sent' | 'answered', number>
> & {
  /** In transactions of the store until then. */
  storeBeforeKernelMs: number;
  storeAfterKernelMs: number;
};

const CALL = '/api/chat.postMessage';
let sinceMs = 0;
let moments: Moments | undefined;

function note(name: keyof Moments): void {
  if (moments !== undefined) moments[name] ??= performance.now() - sinceMs;
}

function isMention(text: string): boolean {
  return text.includes('"type":"app_mention"');
}

const socketMode: object = SocketModeClient.prototype;
const onWebSocketMessage: (data: unknown, ...more: never[]) => unknown = Reflect.get(
  socketMode,
  'onWebSocketMessage',
);
Reflect.set(
  socketMode,
  'onWebSocketMessage',
  function noted(this: SocketModeClient, data: unknown, ...more: never[]) {
    if (isMention(String(data))) {
      sinceMs = performance.now();
      moments = { storeBeforeKernelMs: 0, storeAfterKernelMs: 0 };
    }
    return onWebSocketMessage.call(this, data, ...more);
  },
);

const send: (this: WebSocket, data: string | Buffer | ArrayBuffer, ...more: never[]) => void =
  WebSocket.prototype.send;
Reflect.set(WebSocket.prototype, 'send', function noted(this: WebSocket, data: string, ...more: never[]) {
  const text = typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
  if (text.includes('execute_request')) note('written');
  send.call(this, data, ...more);
});

const emit: (this: WebSocket, name: string, ...given: unknown[]) => boolean = WebSocket.prototype.emit;
Reflect.set(WebSocket.prototype, 'emit', function noted(this: WebSocket, name: string, ...given: unknown[]) {
  if (name === 'message' && moments?.written !== undefined) {
    const [, state] =
      /"execution_state":\s*"(busy|idle)"/.exec(Buffer.from(given[0] as Buffer).toString('latin1')) ?? [];
    if (state === 'busy' || state === 'idle') note(state);
  }
  return emit.call(this, name, ...given);
});

let beganMs = 0;
const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function noted(this: DatabaseSync, sql: string) {
  if (sql.startsWith('BEGIN')) beganMs = performance.now();
  exec.call(this, sql);
  if (sql !== 'COMMIT' || moments === undefined || moments.called !== undefined) return;
  const step = moments.written === undefined ? 'storeBeforeKernelMs' : 'storeAfterKernelMs';
  moments[step] += performance.now() - beganMs;
};

interface About {
  request: { path: string };
}

function onCall(channel: string, name: keyof Moments): void {
  subscribe(channel, (message) => {
    if ((message as About).request.path === CALL) note(name);
    if (name !== 'answered' || moments?.answered === undefined) return;
    appendFileSync(process.env['MOMENTS_FILE'] ?? '', `${JSON.stringify(moments)}\n`);
    moments = undefined;
  });
}

onCall('undici:request:create', 'called');
onCall('undici:client:sendHeaders', 'sent');
onCall('undici:request:headers', 'answered');
