import { expect, test } from 'vitest';
import { StoreError, UserError } from '../../../../src/errors.ts';
import { silentLog } from '../../../../src/log.ts';
import type { Admitted } from '../../../../src/runs/admission/admission.ts';
import type { Run } from '../../../../src/runs/run.ts';
import { renderEditor } from '../../../../src/slack/blocks/editor.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { onEditorSubmitted } from '../../../../src/slack/listeners/views/editor.ts';
import { silentAudit } from '../../../support/silent-audit.ts';
import { personOf, POLICY } from './people.ts';

/** An open editor of U1 in C1 whose submissions are admitted as `admit` says. */
function openEditor(
  admit: (key: string) => Admitted,
  options: { isMember?: boolean; madeRun?: boolean; files?: object[]; code?: string | null } = {},
) {
  const keys: string[] = [];
  const admitted: string[] = [];
  const bot = {
    workspace: 'T1',
    onRefused: () => undefined,
    policy: POLICY,
    users: { find: async (id: string) => personOf(id) },
    channels: {
      async mustHaveMember() {
        if (options.isMember === false) throw new UserError('unknownChannel', 'You are not in this channel.');
      },
      mustBePostable: async () => {},
    },
    readFiles: async (files: { kind: string; name: string }[]) =>
      files
        .filter(({ kind }) => kind === 'code')
        .map(({ name }) => ({ syntax: undefined, code: `of ${name}` })),
    admission: {
      async submit({ requestKey, snippet }: { requestKey: string; snippet: { blocks: string[] } }) {
        keys.push(requestKey);
        admitted.push(...snippet.blocks);
        return admit(requestKey);
      },
    },
    runs: { find: async () => undefined },
    runOf: async () => (options.madeRun === true ? ({ id: 'r1' } as Run) : undefined),
    memory: createListenerMemory(),
    log: silentLog,
    audit: silentAudit,
  } as unknown as Bot;
  const rendered = renderEditor({ channel: 'C1' }, { languages: [], blocks: ['1'] }).blocks;
  const submit = async (): Promise<unknown> => {
    let acked: unknown = 'never';
    await onEditorSubmitted(
      {
        ack: async (response: unknown) => void (acked = response),
        body: { user: { id: 'U1' } },
        view: {
          id: 'V1',
          private_metadata: JSON.stringify({ channel: 'C1' }),
          state: {
            values: {
              code0: { code0: { value: options.code === undefined ? '1' : options.code } },
              file: { file: { files: options.files ?? [] } },
            },
          },
          blocks: rendered,
        },
      } as never,
      bot,
    );
    return acked;
  };
  return { submit, keys, blocks: admitted };
}

const accepted: Admitted = { kind: 'accepted', runId: 'r1' };

test('a submission that was withdrawn because the store was silent runs when it is submitted again', async () => {
  let isAway = true;
  const { submit, keys } = openEditor((key) => {
    if (isAway) throw new StoreError('silent', 'no answer');
    return key === 'view/T1/V1' ? { kind: 'duplicate' } : accepted;
  });
  expect(JSON.stringify(await submit())).toContain('could not be accepted, nothing ran');
  isAway = false;
  expect(await submit()).toBeUndefined();
  expect(keys).toEqual(['view/T1/V1', 'view/T1/V1', 'view/T1/V1/2']);
});

test('for a submission that has made a run already the person is told so, and no other run is made', async () => {
  const { submit, keys } = openEditor(() => ({ kind: 'duplicate' }), { madeRun: true });
  expect(await submit()).toMatchObject({
    response_action: 'errors',
    errors: { code0: expect.stringContaining('accepted already') },
  });
  expect(keys).toHaveLength(1);
});

test('an error is shown at a field of the modal, even if the wanted field is not in it', async () => {
  const { submit, keys } = openEditor(() => accepted, { isMember: false });
  expect(await submit()).toMatchObject({
    errors: { code0: expect.stringContaining('You are not in this channel') },
  });
  expect(keys).toEqual([]);
});

test('code can come in a file, but not in a file and a field', async () => {
  const file = {
    id: 'F1',
    name: 'job.py',
    mode: 'hosted',
    size: 5,
    url_private: 'https://files.slack.com/job.py',
  };
  const taken = openEditor(() => accepted, { files: [file], code: null });
  expect(await taken.submit()).toBeUndefined();
  expect(taken.blocks).toEqual(['of job.py']);
  const both = openEditor(() => accepted, { files: [file], code: '1' });
  expect(await both.submit()).toMatchObject({ errors: { file: expect.stringContaining('Remove one') } });
  const picture = openEditor(() => accepted, { files: [{ ...file, name: 'a.png' }], code: null });
  expect(await picture.submit()).toMatchObject({
    errors: { file: expect.stringContaining('a.png cannot be run') },
  });
});
