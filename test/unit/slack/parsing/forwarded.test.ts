import { describe, expect, test } from 'vitest';
import { readPosted, readShownMessage } from '../../../../src/slack/parsing/message-event.ts';

const posted = { type: 'message', channel: 'D1', user: 'U1', text: 'please run', ts: '100.000001' };
const rich = {
  type: 'rich_text',
  elements: [
    { type: 'rich_text_section', elements: [{ type: 'text', text: 'restart' }] },
    { type: 'rich_text_preformatted', elements: [{ type: 'text', text: '1+1' }] },
  ],
};
const shared = {
  is_share: true,
  is_msg_unfurl: true,
  text: 'restart ```1+1```',
  message_blocks: [{ message: { blocks: [rich] } }],
  files: [{ id: 'F1', name: 'a.py', size: 1, url_private: 'https://files.slack.com/a.py' }],
};

function partsOf(attachments: readonly object[]) {
  return readPosted({ ...posted, attachments }, 'UBOT')?.typed.parts;
}

function shownPartsOf(attachments: readonly object[]) {
  return readShownMessage({ ...posted, attachments }, 'UBOT')?.typed.parts;
}

describe('what was forwarded with a message', () => {
  test.each([
    ['with its rich text', shared],
    ['with its text alone', { ...shared, message_blocks: undefined }],
  ])('its code counts, and its text does not: %s', (_, attachment) => {
    expect(partsOf([attachment])).toEqual([
      { kind: 'bare', text: 'please run' },
      { kind: 'fence', code: '1+1' },
    ]);
  });

  test('its files count', () => {
    expect(readPosted({ ...posted, attachments: [shared] }, 'UBOT')?.files).toMatchObject([{ name: 'a.py' }]);
  });

  test('the preview of a link does not count', () => {
    const preview = { ...shared, is_share: undefined, from_url: 'https://x.slack.com/archives/C1/p1' };
    expect(partsOf([preview])).toEqual([{ kind: 'bare', text: 'please run' }]);
    expect(shownPartsOf([preview])).toEqual([{ kind: 'bare', text: 'please run' }]);
  });

  test('a shortcut reads what an app wrote into attachments; a message of a person does not', () => {
    const own = { text: '```2+2```' };
    expect(shownPartsOf([own])).toEqual([
      { kind: 'bare', text: 'please run' },
      { kind: 'fence', code: '2+2' },
    ]);
    expect(partsOf([own])).toEqual([{ kind: 'bare', text: 'please run' }]);
  });
});
