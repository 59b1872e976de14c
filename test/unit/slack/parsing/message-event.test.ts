import { describe, expect, test } from 'vitest';
import * as events from '../../../../src/slack/parsing/message-event.ts';

const readPosted = (event: unknown) => events.readPosted(event, 'UBOT');
const readChange = (event: unknown) => events.readChange(event, 'UBOT');
const readShownMessage = (message: unknown) => events.readShownMessage(message, 'UBOT');

const typed = (...words: string[]) => ({ parts: words.map((text) => ({ kind: 'bare', text })) });
const message = { user: 'U1', text: 'hi', ts: '100.000001' };
const changed = { type: 'message', subtype: 'message_changed', channel: 'C1', channel_type: 'channel' };

describe('readPosted', () => {
  test('a message without blocks, as API clients send it', () => {
    expect(readPosted({ type: 'message', channel: 'C1', ...message })).toMatchObject({
      channel: 'C1',
      isDirect: false,
      typed: typed('hi'),
      files: [],
      thread: undefined,
      editedTs: undefined,
    });
  });

  test('a message with null for empty fields', () => {
    const nothing = { subtype: null, bot_id: null, app_id: null, thread_ts: null, files: null, blocks: null };
    const posted = readPosted({ type: 'message', channel: 'C1', ...message, ...nothing });
    expect(posted).toMatchObject({ typed: typed('hi'), botIds: [], files: [], thread: undefined });
    expect(readPosted({ type: 'message', channel: 'C1', ...message, text: null })).toMatchObject({
      typed: typed(),
    });
  });

  test('the mention in an edit is not a message of its own', () => {
    const mention = { type: 'app_mention', channel: 'C1', ...message };
    expect(readPosted(mention)).toMatchObject({ isMention: true });
    expect(readPosted({ ...mention, edited: { user: 'U1', ts: '160.000000' } })).toBeUndefined();
  });

  test.each(['bot_message', 'channel_join', 'message_changed', 'message_deleted'])(
    '%s is none',
    (subtype) => {
      expect(readPosted({ type: 'message', channel: 'C1', subtype, ...message })).toBeUndefined();
    },
  );

  test('a message of an incoming webhook belongs to its bot', () => {
    const webhook = {
      type: 'message',
      subtype: 'bot_message',
      channel: 'C1',
      bot_id: 'B1',
      text: 'hi',
      ts: '1.2',
    };
    expect(readPosted(webhook)).toMatchObject({ user: 'B1', botIds: ['B1'], typed: typed('hi') });
  });

  test('Slackbot is a bot', () => {
    const reminder = { type: 'message', channel: 'C1', ...message, user: 'USLACKBOT' };
    expect(readPosted(reminder)).toMatchObject({ user: 'USLACKBOT', botIds: ['USLACKBOT'] });
  });

  test('files are code by their names and kinds; pictures are not', () => {
    const files = [
      { id: 'F1', name: 'job.py', mode: 'hosted', size: 3, url_private: 'https://files.slack.com/1' },
      { id: 'F2', name: 'Plot.R', mode: 'hosted' },
      {
        id: 'F3',
        name: null,
        mode: 'snippet',
        filetype: 'scala',
        url_private_download: 'https://files.slack.com/3',
      },
      { id: 'F4', name: 'notes.txt', mode: 'hosted' },
      { id: 'F5', name: 'cat.png', mode: 'hosted' },
      'nonsense',
    ];
    const posted = readPosted({ type: 'message', subtype: 'file_share', channel: 'D1', ...message, files });
    expect(posted?.isDirect).toBe(true);
    expect(posted?.files.map((file) => file.kind === 'code' && [file.name, file.syntax])).toEqual([
      ['job.py', 'python'],
      ['Plot.R', 'r'],
      ['F3', 'scala'],
      ['notes.txt', undefined],
      false,
    ]);
    expect(posted?.files[4]).toEqual({ kind: 'other', name: 'cat.png' });
    expect(posted?.files[0]).toMatchObject({ size: 3, url: 'https://files.slack.com/1' });
  });
});

test.each([
  [
    { id: 'F1', mode: 'file_access', file_access: 'check_file_info', created: 0, timestamp: 0, user: '' },
    { kind: 'stub', id: 'F1' },
  ],
  [
    { id: 'F2', file_access: 'check_file_info' },
    { kind: 'stub', id: 'F2' },
  ],
  [
    { id: 'F3', name: 'old.py', mode: 'tombstone' },
    { kind: 'gone', why: expect.stringContaining('deleted') },
  ],
  [
    { id: 'F4', mode: 'hidden_by_limit' },
    { kind: 'gone', why: expect.stringContaining('limit') },
  ],
])('a file that Slack does not show: %j', (file, expected) => {
  const posted = readPosted({
    type: 'message',
    subtype: 'file_share',
    channel: 'C1',
    ...message,
    files: [file],
  });
  expect(posted?.files).toEqual([expected]);
});

describe('readChange', () => {
  test('an edit, with the message before it', () => {
    const edited = { ...message, text: 'new', edited: { user: 'U1', ts: '160.000000' } };
    const change = readChange({ ...changed, message: edited, previous_message: message });
    expect(change).toMatchObject({
      kind: 'edited',
      by: 'U1',
      message: { typed: typed('new'), editedTs: '160.000000', channel: 'C1' },
      before: { typed: typed('hi') },
    });
  });

  test('a preview or the language detection is not an edit', () => {
    expect(readChange({ ...changed, message, previous_message: message })).toBeUndefined();
  });

  test('changes of a message that the bot or another app posted with a subtype are ignored', () => {
    const edited = { ...message, subtype: 'bot_message', edited: { user: 'U1', ts: '1' } };
    expect(readChange({ ...changed, message: edited })).toBeUndefined();
  });

  test('a deletion, and the tombstone of a message with replies', () => {
    const deleted = { type: 'message', subtype: 'message_deleted', channel: 'C1', deleted_ts: '100.000001' };
    expect(readChange({ ...deleted, previous_message: { thread_ts: '90.000000' } })).toEqual({
      kind: 'deleted',
      channel: 'C1',
      ts: '100.000001',
      thread: '90.000000',
    });
    expect(readChange(deleted)).toMatchObject({ thread: '100.000001' });
    const tombstone = {
      subtype: 'tombstone',
      user: 'USLACKBOT',
      ts: '100.000001',
      edited: { user: 'U1', ts: '1' },
    };
    expect(readChange({ ...changed, message: tombstone, previous_message: message })).toEqual({
      kind: 'deleted',
      channel: 'C1',
      ts: '100.000001',
      thread: '100.000001',
    });
  });
});

test('a shortcut’s message may be by a bot, and in a thread', () => {
  expect(readShownMessage({ text: 'x', ts: '2.0', thread_ts: '1.0', bot_id: 'B1' })).toMatchObject({
    user: undefined,
    thread: '1.0',
  });
  expect(readShownMessage({})).toBeUndefined();
});

test('a workspace may call an emoji, a file or a list’s depth whatever it likes', () => {
  const elements = [
    {
      type: 'rich_text_section',
      elements: [
        { type: 'text', text: 'x' },
        { type: 'emoji', name: 'constructor' },
      ],
    },
    {
      type: 'rich_text_list',
      style: 'bullet',
      indent: -1,
      elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: 'y' }] }],
    },
  ];
  const blocks = [{ type: 'rich_text', elements }];
  const files = [{ id: 'F1', name: 'untitled.constructor', mode: 'snippet', filetype: 'toString' }];
  const posted = readPosted({ type: 'message', channel: 'C1', ...message, blocks, files });
  expect(posted?.typed.parts).toEqual([{ kind: 'bare', text: 'x:constructor:\n- y' }]);
  expect(posted?.files).toMatchObject([{ kind: 'code', syntax: undefined }]);
});
