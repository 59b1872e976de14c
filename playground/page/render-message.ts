/** A message as HTML: author, body, files, reactions, and its actions. */
import { createElement as h, type ReactNode } from 'react';
import type { Ephemeral, FileTombstone, SlackFile, SlackMessage } from '../messages.ts';
import { mrkdwnAsText } from '../mrkdwn-text.ts';
import type { User } from '../people.ts';
import type { Shortcut } from '../settings.ts';
import { sizeText } from '../size-text.ts';
import type { World } from '../world.ts';
import { Blocks, fileAddress, MrkdwnText } from './render-blocks.ts';

interface MessageProps {
  readonly world: World;
  readonly message: SlackMessage | Ephemeral;
  readonly viewerId: string;
  readonly shortcuts: readonly Shortcut[];
  /** In the side pane of the thread: without the line about replies. */
  readonly isInThread: boolean;
}

export function MessageItem({ world, message, viewerId, shortcuts, isInThread }: MessageProps): ReactNode {
  const isWhisper = !('type' in message);
  const author = isWhisper ? world.userOfBot(message.bot_id ?? '') : world.users.get(message.user);
  const isGone = !isWhisper && message.subtype === 'tombstone';
  return h(
    'article',
    {
      id: `${isInThread ? 't' : 'm'}${message.ts}`,
      className: `message${isWhisper ? ' whisper' : ''}${isGone ? ' gone' : ''}`,
      'data-ts': message.ts,
      'data-in': message.channel,
    },
    isWhisper ? h('div', { className: 'whisper-note' }, 'Only visible to you') : null,
    h(Avatar, { user: author }),
    h(
      'div',
      { className: 'message-main' },
      h(
        'header',
        null,
        h('b', null, author?.realName ?? 'Slackbot'),
        author?.role === 'bot' || author === undefined ? h('span', { className: 'app' }, 'APP') : null,
        h('time', null, clockTime(message.ts)),
        !isWhisper && message.edited !== undefined ? h('span', { className: 'edited' }, '(edited)') : null,
      ),
      h('div', { className: 'body' }, h(Body, { world, message, viewerId })),
      isWhisper ? null : (message.files ?? []).map((file) => h(FileCard, { key: file.id, file })),
      isWhisper ? null : h(Reactions, { message }),
      isWhisper || isInThread ? null : h(RepliesLine, { world, message }),
    ),
    isWhisper || isGone ? null : h(Tools, { world, message, viewerId, shortcuts, isInThread }),
  );
}

export function Avatar({ user, isSmall = false }: { user: User | undefined; isSmall?: boolean }): ReactNode {
  const name = user?.realName ?? 'Slackbot';
  const hue = user === undefined ? 0 : hueOf(user.name);
  const initials =
    user?.role === 'bot'
      ? '✦'
      : name
          .split(' ')
          .map((word) => word.charAt(0))
          .join('')
          .slice(0, 2);
  return h(
    'span',
    {
      className: `avatar${isSmall ? ' small' : ''}${user?.role === 'bot' ? ' bot' : ''}`,
      style: { '--hue': hue },
      title: name,
    },
    initials,
  );
}

/** A colour by name. */
function hueOf(name: string): number {
  let sum = 0;
  for (const letter of name) sum += letter.charCodeAt(0) * 47;
  return sum % 360;
}

function Body({ world, message, viewerId }: Pick<MessageProps, 'world' | 'message' | 'viewerId'>): ReactNode {
  if (message.blocks !== undefined && message.blocks.length > 0) {
    return h(Blocks, { world, blocks: message.blocks, viewerId });
  }
  return message.text === '' ? null : h(MrkdwnText, { world, text: message.text, viewerId });
}

function FileCard({ file }: { file: SlackFile | FileTombstone }): ReactNode {
  if (file.mode === 'tombstone') return h('div', { className: 'file gone' }, 'This file was deleted.');
  const href = fileAddress(file.id);
  if (/^image\/(png|jpeg|gif)$/.test(file.mimetype)) {
    return h(
      'figure',
      { className: 'picture' },
      h('figcaption', null, file.title),
      h(
        'a',
        { href, target: '_blank', rel: 'noreferrer' },
        h('img', { src: href, alt: file.alt_txt ?? file.title }),
      ),
    );
  }
  return h(
    'a',
    { className: 'file', href, target: '_blank', rel: 'noreferrer' },
    h('span', { className: 'file-icon' }, (file.name.split('.').at(-1) ?? '').slice(0, 4).toUpperCase()),
    h(
      'span',
      null,
      h('b', null, file.title),
      h('small', null, `${file.pretty_type} · ${sizeText(file.size)}`),
    ),
    file.preview === undefined ? null : h('pre', null, file.preview),
  );
}

/** Characters that fonts without emoji have. */
const SIGNS: Readonly<Record<string, string>> = {
  white_check_mark: '✓',
  x: '✗',
  octagonal_sign: '■',
  grey_question: '?',
};

function Reactions({ message }: { message: SlackMessage }): ReactNode {
  if (message.reactions === undefined || message.reactions.length === 0) return null;
  return h(
    'div',
    { className: 'reactions' },
    message.reactions.map((reaction) =>
      h(
        'span',
        { key: reaction.name, title: `:${reaction.name}:` },
        `${SIGNS[reaction.name] ?? `:${reaction.name}:`} ${reaction.count}`,
      ),
    ),
  );
}

function RepliesLine({ world, message }: { world: World; message: SlackMessage }): ReactNode {
  const replies = world.timeline(message.channel).repliesTo(message.ts);
  const last = replies.at(-1);
  if (last === undefined) return null;
  const authors = [...new Set(replies.map((reply) => reply.user))].slice(0, 3);
  return h(
    'button',
    { type: 'button', className: 'replies', 'data-thread': message.ts },
    authors.map((id) => h(Avatar, { key: id, user: world.users.get(id), isSmall: true })),
    h('b', null, replies.length === 1 ? '1 reply' : `${replies.length} replies`),
    h('span', null, `Last reply at ${clockTime(last.ts)}`),
  );
}

function Tools(
  props: Pick<MessageProps, 'world' | 'viewerId' | 'shortcuts' | 'isInThread'> & { message: SlackMessage },
): ReactNode {
  const { world, message, viewerId, shortcuts, isInThread } = props;
  const isMine = message.user === viewerId;
  return h(
    'div',
    { className: 'tools' },
    isInThread ? null : h('button', { type: 'button', 'data-thread': message.ts }, 'Reply in thread'),
    shortcuts
      .filter((shortcut) => shortcut.type === 'message')
      .map(({ callbackId, name }) =>
        h('button', { key: callbackId, type: 'button', 'data-shortcut': callbackId }, name),
      ),
    isMine ? h('button', { type: 'button', 'data-edit': mrkdwnAsText(message.text, world) }, 'Edit') : null,
    isMine ? h('button', { type: 'button', 'data-delete': message.ts }, 'Delete') : null,
  );
}

function clockTime(ts: string): string {
  return new Date(Number(ts) * 1000).toLocaleTimeString('en-US', { hour: 'numeric', minute: '2-digit' });
}

/** Messages and the viewer's ephemeral messages, by time. */
export function inOrder(
  messages: readonly SlackMessage[],
  whispers: readonly Ephemeral[],
): (SlackMessage | Ephemeral)[] {
  return [...messages, ...whispers].toSorted((one, other) => Number(one.ts) - Number(other.ts));
}
