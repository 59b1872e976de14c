import type { ModalView } from '@slack/types';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { createViews } from '../../../../src/slack/api/views.ts';
import { renderEditor } from '../../../../src/slack/blocks/editor.ts';
import { startSlackApi } from './slack-api.ts';

const editor: ModalView = renderEditor({ channel: 'C1' }, { languages: [], blocks: [''] });

test.each(['views.open', 'views.update'])(
  'if Slack refuses the field for a file, %s is called again without it, and only once',
  async (method) => {
    let taken = false;
    await using slack = await startSlackApi(() => {
      const answer = taken ? {} : { ok: false, error: 'invalid_arguments' };
      taken = true;
      return answer;
    });
    const views = createViews(slack.client, silentLog);
    if (method === 'views.open') await views.openModal('trigger', async () => editor);
    else await views.updateModal('V1', editor);
    expect(slack.calls).toEqual([method, method]);
    taken = false;
    const closed = { ...editor, blocks: [] };
    await expect(views.updateModal('V1', closed)).rejects.toThrow('invalid_arguments');
  },
);

test.each([
  ['expired_trigger_id', 'Slack did not open the window in time. Nothing ran; try again.'],
  ['ratelimited', 'Slack did not open the window in time. Nothing ran; try again.'],
  ['invalid_blocks', 'invalid_blocks'],
])('after %s for a modal the person is told to try again', async (error, words) => {
  await using slack = await startSlackApi(() => ({ ok: false, error }));
  const views = createViews(slack.client, silentLog);
  await expect(views.openModal('trigger', async () => editor)).rejects.toThrow(words);
});

test('a modal that was closed meanwhile is no error', async () => {
  await using slack = await startSlackApi(() => ({ ok: false, error: 'not_found' }));
  await createViews(slack.client, silentLog).updateModal('V1', editor);
  expect(slack.calls).toEqual(['views.update']);
});

test('a modal that waits for its content gets it, also if Slack gives no answer at first', async () => {
  const ready = Promise.withResolvers<ModalView>();
  const answers = [{ view: { id: 'V1' } }, undefined, { ok: false, error: 'internal_error' }, {}];
  await using slack = await startSlackApi((method) => {
    if (method === 'views.open') ready.resolve(editor);
    return answers.shift();
  });
  await createViews(slack.client, silentLog).openModal('trigger', () => ready.promise);
  expect(slack.calls).toEqual(['views.open', 'views.update', 'views.update', 'views.update']);
});

test('a home tab is published also if Slack gives no answer at first', async () => {
  const answers = [undefined, { ok: false, error: 'internal_error' }, {}];
  await using slack = await startSlackApi(() => answers.shift());
  await createViews(slack.client, silentLog).publishHome('U1', { type: 'home', blocks: [] });
  expect(slack.calls).toEqual(['views.publish', 'views.publish', 'views.publish']);
});
