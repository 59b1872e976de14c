import { expect, test } from 'vitest';
import { startPlayground } from '../../playground/playground.ts';
import { renderThreadAsText } from '../../playground/render-text.ts';

test('a thread as its reader sees it', async () => {
  await using playground = await startPlayground();
  const { service } = playground;
  const parent = playground.as('ana').post('#data', '@sparkthread see `a.py`\n```\nx < 1\n\n  y\n```');
  const data = playground.channel('#data');
  const answer = service.conversation.post(data, playground.bot, {
    text: 'fallback',
    threadTs: parent.ts,
    blocks: [
      {
        type: 'rich_text',
        elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'text', text: '10' }] }],
      },
      {
        type: 'context',
        elements: [
          { type: 'mrkdwn', text: `ok · <@${playground.user('ana').id}> &amp; co · <https://x.org|docs>` },
        ],
      },
      {
        type: 'table',
        rows: [
          [
            { type: 'raw_text', text: 'name' },
            { type: 'raw_text', text: 'n' },
          ],
          [
            { type: 'raw_text', text: 'a' },
            { type: 'raw_number', value: 1 },
          ],
        ],
      },
      {
        type: 'actions',
        elements: [
          { type: 'button', action_id: 'again', text: { type: 'plain_text', text: 'Run again' } },
          { type: 'button', action_id: 'delete', text: { type: 'plain_text', text: 'Delete' } },
          {
            type: 'overflow',
            action_id: 'more',
            options: [{ text: { type: 'plain_text', text: 'Save' }, value: 'save' }],
          },
        ],
      },
    ],
  });
  service.conversation.edit(answer, playground.bot, { text: 'fallback', blocks: answer.blocks });
  playground
    .as('ben')
    .upload('#data', { name: 'plot.png', content: Buffer.alloc(12_345) }, '', { thread: parent.ts });
  service.conversation.whisper({
    user: playground.user('ana').id,
    channel: data.id,
    thread_ts: parent.ts,
    text: 'psst',
  });
  expect(renderThreadAsText(playground, '#data', parent.ts, { viewer: 'ana' })).toBe(
    [
      '#data',
      '',
      'ana',
      '  @sparkthread see `a.py`',
      '  │ x < 1',
      '  │ ',
      '  │   y',
      '',
      '    sparkthread  APP  (edited)',
      '      │ 10',
      '      ok · @ana & co · docs (https://x.org)',
      '      name  n',
      '      a     1',
      '      [Run again] [Delete] [⋯]',
      '',
      '    ben',
      '      [image: plot.png, 12.3 KB]',
      '',
      '    slackbot  (only visible to you)',
      '      psst',
    ].join('\n'),
  );
});
