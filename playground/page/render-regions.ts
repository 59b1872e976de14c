/** The regions of the page for one viewer. Each is sent again when its HTML changes. */
import { createElement as h, type ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import type { Channel, User } from '../people.ts';
import type { Service } from '../service.ts';
import { Blocks } from './render-blocks.ts';
import { Avatar, inOrder, MessageItem } from './render-message.ts';

/**
 * What a window shows: for which user, the channel, the open thread, and whether the app's home tab instead of its
 * messages.
 */
export interface Window {
  readonly user: User;
  readonly channel: Channel;
  /** This user's direct messages with the app. */
  readonly appChannel: Channel;
  readonly threadTs: string | undefined;
  readonly isHome: boolean;
}

export interface Regions {
  readonly sidebar: string;
  readonly title: string;
  readonly messages: string;
  readonly thread: string;
  readonly modal: string;
}

export function renderRegions(service: Service, window: Window): Regions {
  return {
    sidebar: renderToStaticMarkup(h(Sidebar, { service, window })),
    title: renderToStaticMarkup(h(Title, { service, window })),
    messages: renderToStaticMarkup(
      window.isHome ? h(Home, { service, window }) : h(Messages, { service, window }),
    ),
    thread:
      window.threadTs === undefined
        ? ''
        : renderToStaticMarkup(h(Thread, { service, window, threadTs: window.threadTs })),
    modal: renderToStaticMarkup(h(Modal, { service, window })),
  };
}

interface RegionProps {
  readonly service: Service;
  readonly window: Window;
}

function Sidebar({ service, window }: RegionProps): ReactNode {
  const { world } = service;
  const seen = [...world.channels.values()].filter(
    (channel) => !channel.archived && channel.members.has(window.user.id) && channel.kind !== 'im',
  );
  const { appChannel } = window;
  const shortcuts = service.settings.shortcuts.filter((shortcut) => shortcut.type === 'global');
  return [
    h('h2', { key: 'channels' }, 'Channels'),
    h(
      'nav',
      { key: 'channel-list' },
      seen.map((channel) =>
        h(
          'a',
          {
            key: channel.id,
            href: '#',
            'data-channel': channel.id,
            className: channel === window.channel ? 'current' : '',
          },
          h('i', null, channel.kind === 'private' ? h(Lock) : '#'),
          channel.name,
        ),
      ),
    ),
    h('h2', { key: 'apps' }, 'Apps'),
    h(
      'nav',
      { key: 'app-list' },
      h(
        'a',
        {
          href: '#',
          'data-channel': appChannel.id,
          className: appChannel === window.channel ? 'current' : '',
        },
        h(Avatar, { user: world.bot, isSmall: true }),
        world.bot.realName,
      ),
      shortcuts.map(({ callbackId, name }) =>
        h('a', { key: callbackId, href: '#', 'data-shortcut': callbackId }, h('i', null, '⚡'), name),
      ),
    ),
  ];
}

/** Drawn, because not every machine has a font with emoji. */
function Lock(): ReactNode {
  return h(
    'svg',
    { className: 'lock', viewBox: '0 0 12 14', 'aria-label': 'private' },
    h('path', { d: 'M3 6V4a3 3 0 0 1 6 0v2', fill: 'none', stroke: 'currentColor', strokeWidth: 1.6 }),
    h('rect', { x: 1, y: 6, width: 10, height: 7.5, rx: 1.6, fill: 'currentColor' }),
  );
}

function Title({ service, window }: RegionProps): ReactNode {
  const { channel } = window;
  if (channel.kind !== 'im') {
    const members = `${channel.members.size} members`;
    const shared = channel.shared ? ' · shared with another workspace' : '';
    return [
      h('b', { key: 'name' }, channel.kind === 'private' ? h(Lock) : '#', ' ', channel.name),
      h('span', { key: 'about' }, members, shared),
    ];
  }
  return [
    h('b', { key: 'name' }, service.world.bot.realName),
    h(
      'span',
      { key: 'tabs', className: 'tabs' },
      h('a', { href: '#', 'data-tab': 'home', className: window.isHome ? 'current' : '' }, 'Home'),
      h('a', { href: '#', 'data-tab': 'messages', className: window.isHome ? '' : 'current' }, 'Messages'),
    ),
  ];
}

function Messages({ service, window }: RegionProps): ReactNode {
  const { world } = service;
  const viewerId = window.user.id;
  const whispers = world.ephemerals.filter(
    (whisper) =>
      whisper.user === viewerId && whisper.channel === window.channel.id && whisper.thread_ts === undefined,
  );
  const items = inOrder(world.timeline(window.channel.id).topLevel(), whispers);
  if (items.length === 0) {
    const place = window.channel.kind === 'im' ? world.bot.realName : `#${window.channel.name}`;
    return h(
      'div',
      { id: 'empty', className: 'empty' },
      h('b', null, place),
      h('p', null, 'Nothing here yet. Say something.'),
    );
  }
  const { shortcuts } = service.settings;
  return items.map((message) =>
    h(MessageItem, { key: message.ts, world, message, viewerId, shortcuts, isInThread: false }),
  );
}

function Thread({ service, window, threadTs }: RegionProps & { threadTs: string }): ReactNode {
  const { world } = service;
  const viewerId = window.user.id;
  const timeline = world.timeline(window.channel.id);
  const parent = timeline.find(threadTs);
  if (parent === undefined)
    return h('div', { id: 'empty-thread', className: 'empty' }, 'This thread is gone.');
  const whispers = world.ephemerals.filter(
    (whisper) =>
      whisper.user === viewerId && whisper.channel === window.channel.id && whisper.thread_ts === threadTs,
  );
  const replies = timeline.repliesTo(threadTs);
  const common = { world, viewerId, shortcuts: service.settings.shortcuts, isInThread: true };
  const count = replies.length === 1 ? '1 reply' : `${replies.length} replies`;
  return [
    h(MessageItem, { key: parent.ts, message: parent, ...common }),
    h('div', { key: 'count', id: 'reply-count', className: 'reply-count' }, count),
    inOrder(replies, whispers).map((message) => h(MessageItem, { key: message.ts, message, ...common })),
  ];
}

function Home({ service, window }: RegionProps): ReactNode {
  const view = service.modals.homes.get(window.user.id);
  if (view === undefined) {
    return h(
      'div',
      { id: 'empty', className: 'empty' },
      h('p', null, 'The app has published no home tab yet.'),
    );
  }
  return h(
    'section',
    { id: `home-${view.hash}`, className: 'home', 'data-view': view.id },
    h(Blocks, { world: service.world, blocks: view.draft.blocks, viewerId: window.user.id, view }),
  );
}

function Modal({ service, window }: RegionProps): ReactNode {
  const view = service.modals.top(window.user.id);
  if (view === undefined) return null;
  const { draft } = view;
  const errors = Object.values(view.errors).join('');
  return h(
    'form',
    { id: `modal-${view.hash}-${errors.length}`, className: 'modal', 'data-view': view.id, noValidate: true },
    h(
      'header',
      null,
      h('b', null, draft.title.text),
      h('button', { type: 'button', className: 'cross', 'data-close': view.id, 'aria-label': 'Close' }, '×'),
    ),
    h(
      'div',
      { className: 'modal-body' },
      h(Blocks, {
        world: service.world,
        blocks: draft.blocks,
        viewerId: view.userId,
        view,
        channelId: window.channel.id,
      }),
    ),
    h(
      'footer',
      null,
      h(
        'button',
        { type: 'button', className: 'button', 'data-close': view.id },
        draft.close?.text ?? 'Cancel',
      ),
      draft.submit === undefined
        ? null
        : h('button', { type: 'submit', className: 'button primary' }, draft.submit.text),
    ),
  );
}
