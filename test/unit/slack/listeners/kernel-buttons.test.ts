import { expect, test } from 'vitest';
import { UserError } from '../../../../src/errors.ts';
import { GatewayError } from '../../../../src/gateway/errors.ts';
import { silentLog } from '../../../../src/log.ts';
import { type KernelRecord } from '../../../../src/runs/session/kernel/kernel-record.ts';
import { newKernelRecord } from '../../../../src/runs/session/kernel/launch-kernel.ts';
import { keepButton, renderKernelButtons } from '../../../../src/slack/blocks/kernel-blocks.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { onKeepButton, onKernelButton } from '../../../../src/slack/listeners/actions/notice-buttons.ts';
import { silentAudit } from '../../../support/silent-audit.ts';

/** A workspace with one kernel in #data; `press` answers with what took the place of the message with the button. */
function createScene({ restartBy = 'admins', isAdmin = true, isGatewayAway = false } = {}) {
  const owner = { workspace: 'T1', channel: 'C1', queue: 'T1/C1', requester: 'U1' };
  const record = newKernelRecord(owner, 'python3');
  const kernels = [record];
  const said: string[] = [];
  const seen = new Set<string>();
  const bot = {
    workspace: 'T1',
    policy: { admins: [], restartBy, allowedBots: [], allowGuests: false, allowExternal: false },
    users: { find: async (id: string) => ({ id, ids: [id], isWorkspaceAdmin: isAdmin }) },
    channels: { isOpenTo: async () => true, isMember: async () => true },
    control: {
      kernels: () => kernels,
      kernelById() {
        if (kernels.length === 0) throw new UserError('noKernel', 'That kernel is gone already.');
        return record;
      },
      statusOf: async (asked: readonly KernelRecord[]) =>
        asked.map((each) => ({ record: each, displayName: 'Python 3', state: 'idle', unfinished: [] })),
      otherKernels: async () => [],
      async shutDown() {
        if (isGatewayAway) throw new GatewayError('unreachable', 'The gateway gives no answer');
        kernels.pop();
      },
      keep: () => kernels.length > 0,
    },
    notify: {
      person: async (_: unknown, text: string) => void said.push(text),
      channel: async (_: unknown, text: string) => void said.push(text),
    },
    isKnown: async (key: string) => seen.has(key),
    markSeen: async (key: string) => !seen.has(key) && seen.add(key).has(key),
    forgetSeen: async (key: string) => void seen.delete(key),
    memory: createListenerMemory(),
    audit: silentAudit,
    log: silentLog,
  } as unknown as Bot;
  const press = async (act: typeof onKernelButton, action: object, isAway = false): Promise<unknown> => {
    let answer: unknown;
    const respond = async (words: unknown): Promise<void> => {
      if (isAway) throw new Error('Slack is away');
      answer = words;
    };
    const body = { user: { id: 'U1' }, channel: { id: 'C1' }, container: { type: 'message' } };
    const args = { ack: async () => undefined, body, action: { type: 'button', ...action }, respond };
    await act(args as never, bot);
    return answer;
  };
  const [, shutDown] = renderKernelButtons(record.kernelId, 1).elements;
  const keep = keepButton.render({ kernelId: record.kernelId, queue: 'T1/C1' });
  return { kernels, said, press, shutDown: shutDown ?? {}, keep };
}

test('the list of kernels is rendered anew after a press on it, even if the kernel was gone', async () => {
  const { said, press, shutDown } = createScene();
  for (let presses = 1; presses <= 2; presses += 1) {
    const shown = await press(onKernelButton, shutDown);
    expect(shown).toMatchObject({
      replace_original: true,
      text: expect.stringContaining('No channel has a'),
    });
    expect(JSON.stringify(shown)).not.toContain('kernel:shutdown');
  }
  expect(said).toEqual([
    '<@U1> shut the python3 kernel down; variables are gone.',
    'Shut down the python3 kernel; the next snippet starts a new one.',
    'That kernel is gone already.',
  ]);
});

test('the act counts as done even if the list cannot be rendered anew', async () => {
  const { said, press, shutDown } = createScene();
  await press(onKernelButton, shutDown, true);
  expect(said.at(-1)).toBe('Shut down the python3 kernel; the next snippet starts a new one.');
});

test('the question which kernel was meant is removed once it is answered by somebody who may not list them', async () => {
  const { press, shutDown } = createScene({ restartBy: 'anyone', isAdmin: false });
  expect(await press(onKernelButton, shutDown)).toEqual({ delete_original: true });
});

test('after a failure the buttons stay, so that they can be pressed again', async () => {
  const { said, press, shutDown } = createScene({ restartBy: 'anyone', isAdmin: false, isGatewayAway: true });
  expect(await press(onKernelButton, shutDown)).toBeUndefined();
  expect(said).toHaveLength(1);
});

test('Keep ends the warning, even if the kernel is gone', async () => {
  const { kernels, said, press, keep } = createScene();
  expect(await press(onKeepButton, keep)).toEqual({
    replace_original: true,
    text: '<@U1> kept the kernel.',
  });
  kernels.pop();
  expect(await press(onKeepButton, keep)).toEqual({
    replace_original: true,
    text: 'The kernel that this was about is gone, with its variables.',
  });
  expect(said).toEqual(['That kernel is gone already, with its variables.']);
});
