import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { onMessageShortcut } from '../../../../src/slack/listeners/shortcuts.ts';
import { silentAudit } from '../../../support/silent-audit.ts';
import { personOf, POLICY } from './people.ts';

/** “Run this code” on the bot's message `ts` in the thread 1.0, with a file; gives what is run and said, and when it is acknowledged. */
async function runCodeOf(ts: string, file = 'F0'): Promise<unknown[]> {
  const came: unknown[] = [];
  // The message was edited: the second run has taken over the answer of the first one.
  const first = {
    id: 'r1',
    requester: 'U1',
    data: { kernelspec: 'python3', messageTs: '2.0', source: 'slash' },
  };
  const data = { ...first.data, follows: 'r1', replies: ['3.0'], files: ['F1'], source: 'edit' };
  const code = async ({ id }: { id: string }) => (id === 'r1' ? ['before'] : ['1 + 1']);
  const bot = {
    workspace: 'T1',
    userId: 'UBOT',
    policy: POLICY,
    users: { find: async (id: string) => personOf(id) },
    channels: { mustBePostable: async () => undefined },
    languages: async () => ({ kernelspecs: { list: [], default: '' }, aliases: {} }),
    runs: { newest: async () => [{ ...first, id: 'r2', data }, first], code },
    notify: { person: async (_: unknown, text: string) => void came.push(text) },
    admission: {
      async submit({ snippet }: { snippet: { blocks: readonly string[] } }) {
        came.push(snippet.blocks);
        return { kind: 'duplicate' };
      },
    },
    memory: createListenerMemory(),
    audit: silentAudit,
    log: silentLog,
  } as unknown as Bot;
  const message = { user: 'UBOT', ts, thread_ts: '1.0', text: '', files: [{ id: file }] };
  const shortcut = { channel: { id: 'C1' }, user: { id: 'U1' }, trigger_id: '1.2', message };
  await onMessageShortcut({ ack: async () => void came.push('acknowledged'), shortcut } as never, bot);
  return came;
}

test('on an answer, its table or its picture it runs that answer’s code; on other messages of the bot nothing; acknowledged once that is settled', async () => {
  const accepted = [['1 + 1'], 'acknowledged'];
  expect(await runCodeOf('2.0')).toEqual(accepted);
  expect(await runCodeOf('3.0')).toEqual(accepted);
  expect(await runCodeOf('4.0', 'F1')).toEqual(accepted);
  expect(await runCodeOf('1.0')).toEqual([['before'], 'acknowledged']);
  expect(await runCodeOf('4.0')).toEqual(['acknowledged', 'There is no code in that message.']);
});
