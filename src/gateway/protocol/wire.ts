import { randomUUID } from 'node:crypto';
import { id, isRecord, readJson, text } from './json.ts';

/**
 * Bytes ↔ message on a kernel's websocket; pure but for fresh message ids. Only the legacy framing: one JSON text per
 * message, or a binary frame when it has buffers (protocol.md §2.3). It works on every gateway and is the only one that
 * passes Knox.
 */

/** A message as it came, checked just so far that it can be routed. */
export interface KernelMessage {
  channel: string;
  type: string;
  msgId: string;
  /** Who made it; gateways write their own notices with our session id (protocol.md §2.5). */
  session: string;
  header: Readonly<Record<string, unknown>>;
  /** Empty for messages without a parent (`restarting`, start-up noise). */
  parentId: string;
  parentType: string;
  parentSession: string;
  content: Readonly<Record<string, unknown>>;
  /** Length of the frame it came in. */
  bytes: number;
}

export interface OutgoingMessage {
  channel: 'shell' | 'control' | 'stdin';
  type: string;
  msgId: string;
  session: string;
  parent?: Readonly<Record<string, unknown>>;
  content: Readonly<Record<string, unknown>>;
}

/** A tornado server takes frames of 10 MiB; over it the socket dies (protocol.md §2.3, trap 29). */
export function isTooLong(frame: string): boolean {
  return Buffer.byteLength(frame) > 10 * 2 ** 20;
}

export function encodeMessage(message: OutgoingMessage, date: Date): string {
  return JSON.stringify({
    channel: message.channel,
    header: {
      msg_id: message.msgId,
      msg_type: message.type,
      session: message.session,
      username: 'sparkthread',
      version: '5.3',
      date: date.toISOString(),
    },
    parent_header: message.parent ?? {},
    metadata: {},
    content: message.content,
    buffers: [],
  });
}

/** All six fields: ipykernel 5 and Toree give no good answer without them (protocol.md §4). */
export function executeRequest(
  session: string,
  msgId: string,
  { code, allowStdin, silent = false }: { code: string; allowStdin: boolean; silent?: boolean },
): OutgoingMessage {
  const content = {
    code,
    silent,
    store_history: !silent,
    user_expressions: {},
    allow_stdin: allowStdin,
    // One snippet's error must not abort what others have queued (protocol.md §3.5).
    stop_on_error: false,
  };
  return { channel: 'shell', type: 'execute_request', msgId, session, content };
}

/** Opens a comm at a target that code in the kernel has registered. */
export function commOpen(session: string, commId: string, target: string): OutgoingMessage {
  const content = { comm_id: commId, target_name: target, data: {} };
  return { channel: 'shell', type: 'comm_open', msgId: randomUUID(), session, content };
}

const HEADER_FIELDS = ['msg_id', 'msg_type', 'session', 'username', 'version', 'date'];

/**
 * `request` is the kernel's input_request, whose header the reply carries as its parent; undefined when an earlier process
 * received it: kernels take a line for what it is. Of the header only what each has goes back: a kernel may put anything in it.
 */
export function inputReply(
  session: string,
  request: KernelMessage | undefined,
  value: string,
): OutgoingMessage {
  const parent = HEADER_FIELDS.map((name) => [name, id(request?.header[name])] as const);
  const content = { status: 'ok', value };
  return {
    channel: 'stdin',
    type: 'input_reply',
    msgId: randomUUID(),
    session,
    parent: Object.fromEntries(parent.filter(([, said]) => said !== '')),
    content,
  };
}

export function interruptRequest(session: string): OutgoingMessage {
  return { channel: 'control', type: 'interrupt_request', msgId: randomUUID(), session, content: {} };
}

/** Undefined for what is no kernel message: it is dropped, it must not cost the others. `bytes`: of its frame. */
export function decodeMessage(json: string, bytes: number): KernelMessage | undefined {
  return readMessage(readJson(json), bytes);
}

/**
 * The JSON of a frame; undefined where there is none. Binary: big-endian u32 `n`, then `n` offsets from the frame's start,
 * then the parts; the first is the JSON. The buffers behind it (comms) are of no use to us.
 */
export function jsonPart(frame: Buffer, isBinary: boolean): Buffer | undefined {
  if (!isBinary) return frame;
  if (frame.length < 8) return undefined;
  const parts = frame.readUInt32BE(0);
  const headBytes = 4 * (parts + 1);
  if (parts < 1 || headBytes > frame.length) return undefined;
  const start = frame.readUInt32BE(4);
  const end = parts > 1 ? frame.readUInt32BE(8) : frame.length;
  if (start < headBytes || end < start || end > frame.length) return undefined;
  return frame.subarray(start, end);
}

function readMessage(value: unknown, bytes: number): KernelMessage | undefined {
  if (!isRecord(value) || !isRecord(value['header'])) return undefined;
  const { header } = value;
  const type = text(header['msg_type']);
  if (type === '') return undefined;
  // An empty parent is `{}`, and null on some servers (protocol.md §4, status).
  const parent = isRecord(value['parent_header']) ? value['parent_header'] : {};
  return {
    channel: text(value['channel']),
    type,
    msgId: id(header['msg_id']),
    session: id(header['session']),
    header,
    parentId: id(parent['msg_id']),
    parentType: text(parent['msg_type']),
    parentSession: id(parent['session']),
    content: isRecord(value['content']) ? value['content'] : {},
    bytes,
  };
}
