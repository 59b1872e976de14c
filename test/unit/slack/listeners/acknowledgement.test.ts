import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { Acknowledgement, inTime } from '../../../../src/slack/listeners/boundary.ts';
import { onHomeOpened } from '../../../../src/slack/listeners/events/app-home.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function createReply() {
  const sent: unknown[] = [];
  const ack = async (response?: unknown): Promise<void> => void sent.push(response);
  return { reply: new Acknowledgement<unknown>(ack, silentLog), sent };
}

test('all look-ups of one payload share 2.5 s, and are given up with a sentence', async () => {
  const { reply } = createReply();
  expect(await inTime(Promise.resolve(1), reply.signal)).toBe(1);
  await vi.advanceTimersByTimeAsync(1_500);
  const second = inTime(new Promise(() => {}), reply.signal);
  const refused = expect(second).rejects.toMatchObject({
    code: 'notTaken',
    message: expect.stringContaining('could not be accepted, nothing ran'),
  });
  await vi.advanceTimersByTimeAsync(1_000);
  await refused;
  await expect(inTime(Promise.resolve(2), reply.signal)).rejects.toMatchObject({ code: 'notTaken' });
  expect(() => reply.signal.throwIfAborted()).toThrow('nothing ran');
});

test('after the acknowledgement there is no deadline, and no second acknowledgement', async () => {
  const { reply, sent } = createReply();
  await reply.send('first');
  await reply.send('second');
  expect(sent).toEqual(['first']);
  expect(reply.isSent).toBe(true);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(reply.signal.aborted).toBe(false);
});

test('an acknowledgement that Slack did not get undoes nothing', async () => {
  const reply = new Acknowledgement(() => Promise.reject(new Error('socket closed')), silentLog);
  await expect(reply.send()).resolves.toBeUndefined();
});

test('without a deadline everything is awaited', async () => {
  expect(await inTime(Promise.resolve(3), undefined)).toBe(3);
});

test('an opened home tab is acknowledged before it is drawn, or Slack would bring the event again', async () => {
  const asked = Promise.withResolvers<string>();
  const find = (id: string) => {
    asked.resolve(id);
    return new Promise<never>(() => {});
  };
  const memory = createListenerMemory();
  const bot = { users: { find }, views: {}, memory, log: silentLog } as unknown as Bot;
  expect(onHomeOpened({ type: 'app_home_opened', user: 'U1', tab: 'home' }, bot)).toBeUndefined();
  expect(await asked.promise).toBe('U1');
});
