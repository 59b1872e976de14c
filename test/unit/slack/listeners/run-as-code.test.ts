import { expect, test } from 'vitest';
import { UserError } from '../../../../src/errors.ts';
import { silentLog } from '../../../../src/log.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { onRunAsCode } from '../../../../src/slack/listeners/actions/notice-buttons.ts';
import { silentAudit } from '../../../support/silent-audit.ts';

test('Run as code runs nothing if the bot could not answer', async () => {
  const said: string[] = [];
  const threads: unknown[] = [];
  let runs = 0;
  let asked: string | undefined;
  const bot = {
    workspace: 'T1',
    policy: { admins: [], allowedBots: [], allowGuests: false, allowExternal: true },
    users: { find: async (id: string) => ({ id, ids: [id] }) },
    channels: {
      async mustBePostable(channel: string) {
        asked = channel;
        throw new UserError('botNotInChannel', 'Sparkthread is not in this channel.');
      },
    },
    admission: {
      submit: async () => {
        runs += 1;
        return { kind: 'duplicate' };
      },
    },
    notify: {
      person: async ({ thread }: { thread?: string }, text: string) => {
        said.push(text);
        threads.push(thread);
      },
    },
    audit: silentAudit,
    memory: createListenerMemory(),
    log: silentLog,
  } as unknown as Bot;
  const value = JSON.stringify({ text: 'restrat', requestKey: 'trigger/T1/1', channel: 'C1', thread: '' });
  await onRunAsCode(
    {
      ack: async () => undefined,
      body: { user: { id: 'U1' }, channel: { id: 'D1' }, container: { type: 'message', thread_ts: '4.0' } },
      action: { type: 'button', action_id: 'near:run', value },
    } as never,
    bot,
  );
  expect([said, runs]).toEqual([['Sparkthread is not in this channel.'], 0]);
  // A question that one person sees comes with its place alone.
  expect(threads).toEqual(['4.0']);
  // The question may stand in direct messages.
  expect(asked).toBe('C1');
});
