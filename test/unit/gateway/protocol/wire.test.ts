import { assert, boolean, json as anyJson, nat, property, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeMessage,
  encodeMessage,
  inputReply,
  jsonPart,
  type KernelMessage,
} from '../../../../src/gateway/protocol/wire.ts';

const json = {
  channel: 'iopub',
  header: { msg_id: 'm', msg_type: 'stream', session: 's', username: 'u', version: '5.3' },
  parent_header: { msg_id: 'p', msg_type: 'execute_request', session: 'q' },
  metadata: {},
  content: { name: 'stdout', text: 'grüße 😀\u2028' },
  buffers: [],
};
const decoded = {
  channel: 'iopub',
  type: 'stream',
  msgId: 'm',
  session: 's',
  header: json.header,
  parentId: 'p',
  parentType: 'execute_request',
  parentSession: 'q',
  content: json.content,
  bytes: expect.any(Number),
};

function decodeFrame(frame: Buffer, isBinary: boolean): KernelMessage | undefined {
  const part = jsonPart(frame, isBinary);
  return part === undefined ? undefined : decodeMessage(part.toString('utf8'), frame.length);
}

/** As the legacy framing of a message with buffers has it: big-endian offsets from the frame's start. */
function binaryFrame(parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(4 * (parts.length + 1));
  head.writeUInt32BE(parts.length, 0);
  let offset = head.length;
  parts.forEach((part, index) => {
    head.writeUInt32BE(offset, 4 * (index + 1));
    offset += part.length;
  });
  return Buffer.concat([head, ...parts]);
}

test('text and binary frames are the same message', () => {
  const text = Buffer.from(JSON.stringify(json));
  expect(decodeFrame(text, false)).toEqual(decoded);
  expect(decodeFrame(binaryFrame([text]), true)).toEqual(decoded);
  expect(decodeFrame(binaryFrame([text, Buffer.from([1, 2, 3]), Buffer.alloc(0)]), true)).toEqual(decoded);
  // A slice of a bigger pool, as sockets give them.
  const pooled = Buffer.concat([Buffer.alloc(13), binaryFrame([text, Buffer.from('b')])]).subarray(13);
  expect(decodeFrame(pooled, true)).toEqual(decoded);
});

test('a message without a parent: {} or null', () => {
  for (const parent of [{}, null, undefined]) {
    const frame = Buffer.from(JSON.stringify({ ...json, parent_header: parent }));
    expect(decodeFrame(frame, false)).toMatchObject({ parentId: '', parentType: '', parentSession: '' });
  }
});

test('a text too long to keep is not an id, and is not sent back', () => {
  const long = 'x'.repeat(10_000);
  const header = { ...json.header, msg_id: long, session: long, username: long, [long]: 'x' };
  const frame = Buffer.from(
    JSON.stringify({ ...json, header, parent_header: { msg_id: long, session: long } }),
  );
  const message = decodeFrame(frame, false);
  expect(message).toMatchObject({ msgId: '', session: '', parentId: '', parentSession: '' });
  expect(inputReply('s', message, 'y').parent).toEqual({ msg_type: 'stream', version: '5.3' });
  expect(inputReply('s', decodeFrame(Buffer.from(JSON.stringify(json)), false), 'y').parent).toEqual(
    json.header,
  );
});

test('any frame is a message or nothing', () => {
  assert(
    property(uint8Array({ maxLength: 64 }), boolean(), (bytes, isBinary) => {
      expect(decodeFrame(Buffer.from(bytes), isBinary)).toBeUndefined();
    }),
  );
  assert(
    property(anyJson(), (text) => {
      const message = decodeFrame(Buffer.from(text), false);
      if (message !== undefined) expect(message.type).not.toBe('');
    }),
  );
});

test('a damaged binary frame never reads beyond itself', () => {
  const whole = binaryFrame([Buffer.from(JSON.stringify(json)), Buffer.from('buffer')]);
  assert(
    property(nat(11), nat(255), nat(whole.length), (at, value, length) => {
      const damaged = Buffer.from(whole.subarray(0, length));
      if (at < damaged.length) damaged[at] = value;
      expect(() => decodeFrame(damaged, true)).not.toThrow();
    }),
  );
});

test('trap 30: requests have every field that servers require', () => {
  const frame = encodeMessage(
    {
      channel: 'stdin',
      type: 'input_reply',
      msgId: 'm',
      session: 's',
      parent: { msg_id: 'p' },
      content: { value: '' },
    },
    new Date(0),
  );
  expect(JSON.parse(frame)).toEqual({
    channel: 'stdin',
    header: {
      msg_id: 'm',
      msg_type: 'input_reply',
      session: 's',
      username: 'sparkthread',
      version: '5.3',
      date: '1970-01-01T00:00:00.000Z',
    },
    parent_header: { msg_id: 'p' },
    metadata: {},
    content: { value: '' },
    buffers: [],
  });
});
