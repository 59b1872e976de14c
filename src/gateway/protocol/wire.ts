import { randomUUID } from 'node:crypto';
import { id, isRecord, readJson, text } from './json.ts';

/**
 * Encodes and decodes websocket messages; pure except for new message ids. Only the legacy framing: one JSON text per
 * message, or a binary frame if it has buffers (protocol.md §2.3). It works on every gateway and is the only one that
 * passes Knox.
 */

/** A received message, checked only as far as routing needs. */
export interface KernelMessage {
  channel: string;
  type: string;
  msgId: string;
  /** The sender's session; gateways send their own notices with ours (protocol.md §2.5). */
  session: string;
  header: Readonly<Record<string, unknown>>;
  /** Empty for messages without a parent (`restarting`, output of the kernel's start). */
  parentId: string;
  parentType: string;
  parentSession: string;
  content: Readonly<Record<string, unknown>>;
  /** Length of its frame. */
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

/** Tornado servers accept frames of up to 10 MiB and close the socket on longer ones (protocol.md §2.3, trap 29). */
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

/** Sends all six fields: ipykernel 5 does not reply without them, and Toree replies with an error (protocol.md §4). */
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
    // An error must not abort what other clients have queued (protocol.md §3.5).
    stop_on_error: false,
  };
  return { channel: 'shell', type: 'execute_request', msgId, session, content };
}

/** Opens a comm to a target that code in the kernel has registered. */
export function commOpen(session: string, commId: string, target: string): OutgoingMessage {
  const content = { comm_id: commId, target_name: target, data: {} };
  return { channel: 'shell', type: 'comm_open', msgId: randomUUID(), session, content };
}

const HEADER_FIELDS = ['msg_id', 'msg_type', 'session', 'username', 'version', 'date'];

/**
 * `request` is the kernel's input_request, whose header becomes the reply's parent; undefined if an earlier process
 * received it, since kernels do not check the parent. Only the standard header fields are sent back: a kernel may put
 * anything into a header.
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

/**
 * The JSON part of a frame; undefined if there is none. Binary: big-endian u32 `n`, then `n` offsets from the start of
 * the frame, then the parts, of which the first is the JSON. The other parts (buffers of comms) are not used.
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

/** Undefined if it is not a kernel message. `bytes`: length of the frame. */
export function decodeMessage(json: string, bytes: number): KernelMessage | undefined {
  const value = readJson(json);
  if (!isRecord(value) || !isRecord(value['header'])) return undefined;
  const { header } = value;
  const type = text(header['msg_type']);
  if (type === '') return undefined;
  // An empty parent is `{}`, or null on some servers (protocol.md §4, status).
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
