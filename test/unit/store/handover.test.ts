import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import { type HandoverDeps, startHandover } from '../../../src/store/handover.ts';
import type { Handover, Part } from '../../../src/store/store.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function create(more: Partial<HandoverDeps> = {}) {
  const missed = { slack: false, gateway: false };
  const reached = { slack: true, gateway: false };
  const calls: string[] = [];
  const answers = { hasSuccessor: true };
  const handover: Handover = {
    onWanted: undefined,
    seekSuccessor: async (part) => {
      calls.push(`seek ${part}`);
      return answers.hasSuccessor;
    },
    offer: async (part) => void calls.push(`offer ${part}`),
    giveWay: async (part) => void calls.push(`give way ${part}`),
  };
  const given: Part[] = [];
  const end = startHandover(handover, {
    isLeading: () => true,
    isMissed: { slack: async () => missed.slack, gateway: async () => missed.gateway },
    reaches: { slack: async () => reached.slack, gateway: async () => reached.gateway },
    onGivenWay: (part) => {
      given.push(part);
      end();
    },
    log: silentLog,
    ...more,
  });
  return { handover, missed, reached, calls, answers, given, end };
}

const pass = async (seconds: number) => await vi.advanceTimersByTimeAsync(seconds * 1_000);

test('a leader without Slack for 30 s gives way to a standby that reaches it', async () => {
  const { missed, calls, given } = create();
  await pass(100);
  missed.slack = true;
  await pass(30);
  expect(calls).toEqual([]);
  await pass(10);
  expect([calls, given]).toEqual([['seek slack', 'give way slack'], ['slack']]);
});

test('it stays where no standby reaches more, and where Slack comes back', async () => {
  const { missed, answers, given, end } = create();
  answers.hasSuccessor = false;
  missed.slack = true;
  await pass(120);
  missed.slack = false;
  await pass(10);
  missed.slack = true;
  answers.hasSuccessor = true;
  await pass(25);
  expect(given).toEqual([]);
  end();
});

test('the gateway is tried once more before that, because the last call may be old', async () => {
  const { missed, reached, calls, given } = create();
  missed.gateway = true;
  reached.gateway = true;
  await pass(70);
  expect([calls, given]).toEqual([['seek gateway'], []]);
  reached.gateway = false;
  await pass(70);
  expect(given).toEqual(['gateway']);
});

test('a standby offers only what it reaches', async () => {
  const { handover, calls, end } = create({ isLeading: () => false });
  handover.onWanted?.('slack');
  await pass(0);
  handover.onWanted?.('gateway');
  await pass(0);
  expect(calls).toEqual(['offer slack']);
  end();
});
