import { Keyv } from 'keyv';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { Schedules } from '../../../../src/saved/schedules/schedules.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { onScheduleButton } from '../../../../src/slack/listeners/actions/saved-buttons.ts';
import { silentAudit } from '../../../support/silent-audit.ts';

test('a press on a removed schedule is refused, and the list is rendered anew', async () => {
  const said: string[] = [];
  const shown: unknown[] = [];
  const bot = {
    workspace: 'T1',
    schedules: new Schedules(new Keyv(), 'T1'),
    policy: { admins: [], allowedBots: [], allowGuests: false, allowExternal: false },
    users: { find: async (id: string) => ({ id, ids: [id], isGuest: id === 'UGUEST' }) },
    notify: { person: async (_: unknown, text: string) => void said.push(text) },
    audit: silentAudit,
    memory: createListenerMemory(),
    log: silentLog,
  } as unknown as Bot;
  const press = async (user: string): Promise<void> =>
    await onScheduleButton(
      {
        ack: async () => undefined,
        respond: async (words: unknown) => void shown.push(words),
        body: { user: { id: user }, channel: { id: 'C1' }, container: { type: 'message' } },
        action: { type: 'button', action_id: 'schedule:pause', value: 'gone|1' },
      } as never,
      bot,
    );
  await press('U1');
  expect(said).toEqual(['That schedule is removed already.']);
  expect(shown).toEqual([
    expect.objectContaining({
      replace_original: true,
      text: expect.stringMatching(/^Nothing is scheduled in this channel/),
    }),
  ]);
  // Who may not look at schedules is shown none.
  await press('UGUEST');
  expect(shown).toHaveLength(1);
});
