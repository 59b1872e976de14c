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

type Method = (this: unknown, ...given: unknown[]) => unknown;
type Watch = (...given: unknown[]) => void;

/** Calls `before` and `after` around each call of the method, with its arguments. */
function watch(target: object, name: string, before: Watch, after: Watch = () => undefined): void {
  const original: Method = Reflect.get(target, name);
  Reflect.set(target, name, function watched(this: unknown, ...given: unknown[]) {
    before(...given);
    const result = original.apply(this, given);
    after(...given);
    return result;
  });
}

watch(SocketModeClient.prototype, 'onWebSocketMessage', (data) => {
  if (!String(data).includes('"type":"app_mention"')) return;
  sinceMs = performance.now();
  moments = { storeBeforeKernelMs: 0, storeAfterKernelMs: 0 };
});

function textOf(data: unknown): string {
  return data instanceof ArrayBuffer ? Buffer.from(data).toString('latin1') : String(data);
}

watch(WebSocket.prototype, 'send', (data) => {
  if (textOf(data).includes('execute_request')) note('written');
});

watch(WebSocket.prototype, 'emit', (name, frame) => {
  if (name !== 'message' || moments?.written === undefined) return;
  const [, state] = /"execution_state":\s*"(busy|idle)"/.exec(textOf(frame)) ?? [];
  if (state === 'busy' || state === 'idle') note(state);
});

let beganMs = 0;
watch(
  DatabaseSync.prototype,
  'exec',
  (sql) => {
    if (String(sql).startsWith('BEGIN')) beganMs = performance.now();
  },
  (sql) => {
    if (sql !== 'COMMIT' || moments === undefined || moments.called !== undefined) return;
    const step = moments.written === undefined ? 'storeBeforeKernelMs' : 'storeAfterKernelMs';
    moments[step] += performance.now() - beganMs;
  },
);

function onCall(channel: string, name: keyof Moments): void {
  subscribe(channel, (message) => {
    if (Reflect.get(Object(Reflect.get(Object(message), 'request')), 'path') === CALL) note(name);
    if (name !== 'answered' || moments?.answered === undefined) return;
    appendFileSync(process.env['MOMENTS_FILE'] ?? '', `${JSON.stringify(moments)}\n`);
    moments = undefined;
  });
}

onCall('undici:request:create', 'called');
onCall('undici:client:sendHeaders', 'sent');
onCall('undici:request:headers', 'answered');
