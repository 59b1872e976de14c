import { Keyv } from 'keyv';
import type { ModalView } from '@slack/types';
import { expect, test } from 'vitest';
import { silentAudit } from '../../../../src/audit/audit.ts';
import { silentLog } from '../../../../src/log.ts';
import { SavedSnippets } from '../../../../src/saved/saved-snippets.ts';
import type { Bot } from '../../../../src/slack/context.ts';
import { onLoadSaved } from '../../../../src/slack/listeners/actions/saved-buttons.ts';

const place = { workspace: 'T1', channel: 'C1' };
const person = { isWorkspaceAdmin: false, isGuest: false, isExternal: false, isBot: false, isUnknown: false };

test('loaded code stands in fields of new names each time, because Slack keeps what was typed into the old ones', async () => {
  const saved = new SavedSnippets(new Keyv(), new Keyv());
  const blocks = ['a = “1”', 'x\n'.repeat(2_000)];
  const snippet = { ...place, name: 'long', kernelspec: 'py', language: 'python', savedBy: 'U1', blocks };
  const { saved: long } = await saved.save(snippet, undefined, 1);
  const shown: ModalView[] = [];
  const said: string[] = [];
  const bot = {
    ...place,
    saved,
    policy: { admins: [], allowedBots: [], allowGuests: false, allowExternal: true },
    users: { find: async (id: string) => ({ ...person, id, ids: [id] }) },
    languages: async () => ({
      kernelspecs: {
        default: 'sc',
        list: [
          { name: 'sc', language: 'scala', displayName: '' },
          { name: 'py', language: 'python', displayName: '' },
        ],
      },
      aliases: {},
    }),
    views: { updateModal: async (_: string, view: ModalView) => void shown.push(view) },
    notify: { person: async (_: unknown, text: string) => void said.push(text) },
    audit: silentAudit,
    log: silentLog,
  } as unknown as Bot;
  const load = async (id: string, metadata: string): Promise<void> =>
    await onLoadSaved(
      {
        ack: async () => {},
        action: { type: 'static_select', selected_option: { value: id } },
        body: { user: { id: 'U2' }, view: { id: 'V1', private_metadata: metadata } },
      } as never,
      bot,
    );
  await load(long.id, JSON.stringify({ channel: 'C1' }));
  await load(long.id, shown[0]?.private_metadata ?? '');
  const names = shown.map(({ blocks: all }) => all.map(({ block_id: id }) => id));
  expect(names).toEqual([
    [undefined, 'language/1', 'code0/1', 'code1/1', 'code2/1', 'file'],
    [undefined, 'language/2', 'code0/2', 'code1/2', 'code2/2', 'file'],
  ]);
  expect(JSON.parse(shown[1]?.private_metadata ?? '')).toMatchObject({
    isVerbatim: true,
    joins: ['block', 'line'],
  });
  expect(JSON.stringify(shown[1]?.blocks[1])).toContain(
    '"initial_option":{"text":{"type":"plain_text","text":"py"',
  );
  await saved.forget(long);
  await load(long.id, JSON.stringify({ channel: 'C1' }));
  expect(said).toEqual(['That snippet is no longer saved.']);
});
