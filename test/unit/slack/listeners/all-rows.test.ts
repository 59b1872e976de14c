import { expect, test } from 'vitest';
import { UserError } from '../../../../src/errors.ts';
import { silentLog } from '../../../../src/log.ts';
import type { SnippetRequest } from '../../../../src/runs/admission/new-run.ts';
import { renderAllRows } from '../../../../src/slack/blocks/run/run-buttons.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { onRunButton } from '../../../../src/slack/listeners/actions/run-buttons.ts';
import { silentAudit } from '../../../support/silent-audit.ts';
import { personOf, POLICY } from './people.ts';

const run = {
  id: 'run-1',
  requester: 'U1',
  channel: 'C1',
  thread: '1.0',
  data: { kernelspec: 'python3', language: 'python' },
};

/** A channel with one run of U1's whose table was cut; U9 is a guest. */
function startBot({ hasKernel = true, isMember = true } = {}) {
  const admitted: SnippetRequest[] = [];
  const said: string[] = [];
  const bot = {
    workspace: 'T1',
    policy: POLICY,
    users: { find: async (id: string) => personOf(id, { isGuest: id === 'U9' }) },
    runs: { find: async (id: string) => (id === 'run-1' ? run : undefined) },
    control: { hasKernelOf: () => hasKernel },
    channels: {
      async mustBePostable() {
        if (!isMember) throw new UserError('botNotInChannel', 'Sparkthread is not in this channel.');
      },
    },
    admission: {
      submit: async (request: SnippetRequest) => {
        admitted.push(request);
        return { kind: 'accepted', runId: 'run-2' };
      },
    },
    markSeen: async () => true,
    wasSeen: async () => false,
    notify: { person: async (_: unknown, text: string) => void said.push(text) },
    memory: createListenerMemory(),
    onRefused: () => undefined,
    audit: silentAudit,
    log: silentLog,
  } as unknown as Bot;
  let presses = 0;
  const press = async (user: string): Promise<void> => {
    const [block] = renderAllRows('run-1', { frame: '0123abcd' });
    presses += 1;
    await onRunButton(
      {
        ack: async () => {},
        action: { type: 'button', ...block?.elements[0] },
        body: {
          user: { id: user },
          channel: { id: 'C1' },
          container: { type: 'message' },
          trigger_id: `trigger-${presses}`,
        },
      } as never,
      bot,
    );
  };
  return { admitted, said, press };
}

test('a press asks the kernel for the rows, in a run of the person who presses', async () => {
  const { admitted, said, press } = startBot();
  await press('U2');
  expect(said).toEqual([]);
  expect(admitted).toMatchObject([
    {
      requester: 'U2',
      source: 'again',
      origin: 'allRows',
      channel: 'C1',
      thread: '1.0',
      snippet: {
        language: 'python3',
        blocks: ['get_ipython().display_formatter.format.all_rows("0123abcd")'],
      },
    },
  ]);
});

test('a double click is one press; another person’s press is another', async () => {
  const { admitted, press } = startBot();
  await press('U1');
  await press('U1');
  await press('U2');
  expect(admitted.map(({ requester }) => requester)).toEqual(['U1', 'U2']);
});

test('if the kernel is gone, none is started, and the person who presses is told', async () => {
  const { admitted, said, press } = startBot({ hasKernel: false });
  await press('U1');
  expect(admitted).toEqual([]);
  expect(said).toEqual([expect.stringContaining('The kernel that had this table is gone or was restarted')]);
});

test('a person who may not run code gets no rows', async () => {
  const { admitted, said, press } = startBot();
  await press('U9');
  expect(admitted).toEqual([]);
  expect(said).toHaveLength(1);
});

test('a table that is whole has no button', () => {
  expect(renderAllRows('run-1', {})).toEqual([]);
});

test('a press under an answer in a channel that the bot has left runs nothing', async () => {
  const { admitted, said, press } = startBot({ isMember: false });
  await press('U1');
  expect(admitted).toEqual([]);
  expect(said).toEqual(['Sparkthread is not in this channel.']);
});
