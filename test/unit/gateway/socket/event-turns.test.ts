import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { EventTurns, type SocketEvent } from '../../../../src/gateway/socket/event-turns.ts';
import { useUpTurn, watchTurns } from '../../../support/turns.ts';

function shown(event: SocketEvent): string {
  return event.kind === 'frame' ? event.json.slice(0, 5) : event.kind;
}

function watched(): { turns: EventTurns; given: string[]; flow: boolean[] } {
  const given: string[] = [];
  const flow: boolean[] = [];
  const turns: EventTurns = new EventTurns(
    (event) => given.push(shown(event)),
    () => flow.push(turns.isBehind),
  );
  return { turns, given, flow };
}

/** What an earlier test has used of its turn is not this one's. */
beforeEach(() => nextTurn());

const long = (word: string): string => `"${word}${' '.repeat(400_000)}"`;

test('short frames are delivered at once', () => {
  const { turns, given, flow } = watched();
  turns.giveFrame(Buffer.from('"a"'), false);
  turns.give({ kind: 'close', code: 1000 });
  expect(given).toEqual(['"a"', 'close']);
  expect(flow).toEqual([]);
});

test('frames behind a long one wait for it, and nothing more is read meanwhile', async () => {
  const { turns, given, flow } = watched();
  for (const json of ['"a"', long('b'), '"c"', long('d'), '"e"']) turns.giveFrame(Buffer.from(json), false);
  turns.give({ kind: 'close', code: 1000 });
  expect(given).toEqual(['"a"']);
  await new Promise<void>((resolve) => turns.whenGiven(resolve));
  expect(given).toEqual(['"a"', '"b   ', '"c"', '"d   ', '"e"', 'close']);
  expect(flow).toEqual([true, false]);
});

test('frames behind a long one are delivered even if its listener throws', async () => {
  const reporters = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  const thrown = once(process, 'unhandledRejection');
  const given: string[] = [];
  const turns = new EventTurns(
    (event) => {
      if (given.push(shown(event)) === 1) throw new Error('unreadable');
    },
    () => undefined,
  );
  for (const json of [long('a'), '"b"']) turns.giveFrame(Buffer.from(json), false);
  expect(await thrown).toMatchObject([{ message: 'unreadable' }, expect.anything()]);
  for (const reporter of reporters) process.on('unhandledRejection', reporter);
  expect(given).toEqual(['"a   ', '"b"']);
  expect(turns.isBehind).toBe(false);
});

test('checking, decoding and delivering have a turn each, one websocket at a time', async () => {
  const [first, second] = [watched(), watched()];
  for (const { turns } of [first, second]) turns.giveFrame(Buffer.from(long('a')), false);
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
  expect([...first.given, ...second.given]).toEqual([]);
  while (first.given.length === 0) await nextTurn();
  expect(second.given).toEqual([]);
  while (second.given.length === 0) await nextTurn();
});

test('a frame with too many values is lost; buffers do not count, and frames without JSON are dropped', async () => {
  const { turns, given } = watched();
  const json = '{"a":1}';
  const head = Buffer.alloc(12);
  head.writeUInt32BE(2, 0);
  head.writeUInt32BE(12, 4);
  head.writeUInt32BE(12 + json.length, 8);
  turns.giveFrame(Buffer.concat([head, Buffer.from(json), Buffer.alloc(4e6, '[')]), true);
  turns.giveFrame(Buffer.from('[],'.repeat(1e6)), false);
  turns.giveFrame(Buffer.from('none'), true);
  await new Promise<void>((resolve) => turns.whenGiven(resolve));
  expect(given).toEqual(['{"a":', 'tooBig']);
});

test('frames of one socket read are delivered in several turns if they take long, in order', async () => {
  const given: string[] = [];
  const turnsOfFrames = new Set<number>();
  using loop = watchTurns();
  const flow: boolean[] = [];
  const turns: EventTurns = new EventTurns(
    (event) => {
      if (event.kind === 'frame') given.push(event.json);
      turnsOfFrames.add(loop.count);
      useUpTurn();
    },
    () => flow.push(turns.isBehind),
  );
  for (const json of ['1', '2', '3', '4']) turns.giveFrame(Buffer.from(json), false);
  expect(given).toEqual(['1']);
  await new Promise<void>((resolve) => turns.whenGiven(resolve));
  expect(given).toEqual(['1', '2', '3', '4']);
  expect(turnsOfFrames.size).toBe(4);
  expect(flow).toEqual([true, false]);
});

test('a long frame that is not UTF-8 is lost; a short one is decoded anyway', async () => {
  const { turns, given } = watched();
  const frame = (json: string): Buffer =>
    Buffer.concat([Buffer.from('0000000100000008', 'hex'), Buffer.from(json, 'latin1')]);
  for (const json of ['"é"', long('é'), '"c"']) turns.giveFrame(frame(json), true);
  await new Promise<void>((resolve) => turns.whenGiven(resolve));
  expect(given).toEqual(['"\ufffd"', 'tooBig', '"c"']);
});
