import type { ModalView } from '@slack/types';
import { Keyv } from 'keyv';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { SavedSnippets } from '../../../../src/saved/saved-snippets.ts';
import { joinFields, purposeSchema } from '../../../../src/slack/blocks/editor.ts';
import { readMetadata } from '../../../../src/slack/blocks/elements.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { onLoadSaved } from '../../../../src/slack/listeners/actions/saved-buttons.ts';
import { silentAudit } from '../../../support/silent-audit.ts';
import { personOf, POLICY } from './people.ts';

const place = { workspace: 'T1', channel: 'C1' };

async function openLoading(...codes: readonly (readonly string[])[]) {
  const saved = new SavedSnippets(new Keyv(), new Keyv(), 'T1');
  const ids: string[] = [];
  const snippet = { ...place, kernelspec: 'py', language: 'python', savedBy: 'U1' };
  for (const [at, blocks] of codes.entries())
    ids.push((await saved.save({ ...snippet, name: `code${at}`, blocks }, undefined, 1)).saved.id);
  const shown: ModalView[] = [];
  /** How long Slack takes for each update. */
  const updates: Promise<void>[] = [];
  const said: string[] = [];
  const bot = {
    ...place,
    saved,
    policy: POLICY,
    users: { find: async (id: string) => personOf(id) },
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
    views: {
      async updateModal(_: string, view: ModalView) {
        await updates.shift();
        shown.push(view);
      },
    },
    notify: { person: async (_: unknown, text: string) => void said.push(text) },
    audit: silentAudit,
    memory: createListenerMemory(),
    log: silentLog,
  } as unknown as Bot;
  let presses = 0;
  /** The one of that index, into what is shown. */
  const load = async (at: number): Promise<void> =>
    await onLoadSaved(
      {
        ack: async () => {},
        action: {
          type: 'static_select',
          selected_option: { value: ids[at] },
          action_ts: `170000000${(presses += 1)}.000100`,
        },
        body: {
          user: { id: 'U2' },
          container: { type: 'view' },
          view: { id: 'V1', private_metadata: shown.at(-1)?.private_metadata ?? '{"channel":"C1"}' },
        },
      } as never,
      bot,
    );
  return { saved, shown, said, updates, load };
}

test('loaded code stands in fields of new names each time, because Slack keeps what was typed into the old ones', async () => {
  const { saved, shown, said, load } = await openLoading(['a = “1”', 'x\n'.repeat(2_000)]);
  await load(0);
  await load(0);
  const names = shown.map(({ blocks: all }) => all.map(({ block_id: id }) => id));
  expect(names).toEqual([
    [undefined, ...['language', 'code0', 'code1', 'code2'].map((name) => `${name}/1700000001.0001`), 'file'],
    [undefined, ...['language', 'code0', 'code1', 'code2'].map((name) => `${name}/1700000002.0001`), 'file'],
  ]);
  expect(JSON.parse(shown[1]?.private_metadata ?? '')).toMatchObject({
    isVerbatim: true,
    joins: ['block', 'line'],
  });
  expect(JSON.stringify(shown[1]?.blocks[1])).toContain(
    '"initial_option":{"text":{"type":"plain_text","text":"py"',
  );
  for (const each of saved.list('C1')) await saved.forget(each);
  await load(0);
  expect(said).toEqual(['That snippet is no longer saved.']);
});

test('two choices one right after the other have fields of their own, and the later one stays', async () => {
  const { shown, updates, load } = await openLoading(['first'], ['second']);
  const slow = Promise.withResolvers<void>();
  updates.push(slow.promise);
  const loads = [load(0), load(1)];
  setImmediate(slow.resolve);
  await Promise.all(loads);
  expect(shown.map(({ blocks: all }) => all[2])).toEqual([
    expect.objectContaining({ block_id: 'code0/1700000001.0001' }),
    expect.objectContaining({ block_id: 'code0/1700000002.0001' }),
  ]);
  expect(JSON.stringify(shown.at(-1))).toContain('"initial_value":"second"');
});

test('blocks that are loaded after long code stay blocks', async () => {
  const { shown, load } = await openLoading(['x\n'.repeat(2_000)], ['%%sql', '1 + 1']);
  await load(0);
  await load(1);
  const { joins } = readMetadata(purposeSchema, shown[1]?.private_metadata ?? '') ?? {};
  expect(joinFields(['%%sql', '1 + 1'], joins)).toEqual(['%%sql', '1 + 1']);
  expect(JSON.stringify(shown[1])).toContain('Code, block 2');
});
