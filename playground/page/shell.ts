/** The page around its live regions: sidebar, messages, composer, thread, modal. */
import { createElement as h, type ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import type { Service } from '../service.ts';

export function renderShell(service: Service): string {
  const { world } = service;
  const people = [...world.users.values()].filter((user) => user.role !== 'bot' && !user.deleted);
  return `<!doctype html>${renderToStaticMarkup(
    h(
      'html',
      { lang: 'en' },
      h(
        'head',
        null,
        h('meta', { charSet: 'utf-8' }),
        h('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
        h('title', null, `${world.bot.realName} playground`),
        h('link', { rel: 'icon', href: 'data:,' }),
        h('link', { rel: 'stylesheet', href: '/page/style.css' }),
        h('script', { src: '/page/client.js', type: 'module' }),
      ),
      h(
        'body',
        null,
        h(
          'aside',
          { className: 'sidebar' },
          h(
            'div',
            { className: 'workspace' },
            h('b', null, world.teamName),
            h('small', null, 'local playground'),
          ),
          h('div', { id: 'sidebar' }),
          h(
            'label',
            { className: 'me' },
            h('span', null, 'You are'),
            h(
              'select',
              { id: 'user', 'aria-label': 'You are' },
              people.map((user) =>
                h('option', { key: user.id, value: user.name }, `${user.realName} · ${user.role}`),
              ),
            ),
          ),
        ),
        h(
          'main',
          null,
          h('div', { id: 'title', className: 'title' }),
          h('div', { id: 'messages', className: 'messages' }),
          composer('composer', `Message, or ${service.settings.commands.join(', ')} …`),
        ),
        h(
          'section',
          { id: 'thread-pane', className: 'thread-pane', hidden: true },
          h(
            'div',
            { className: 'title' },
            h('b', null, 'Thread'),
            h(
              'button',
              { type: 'button', id: 'close-thread', className: 'cross', 'aria-label': 'Close thread' },
              '×',
            ),
          ),
          h('div', { id: 'thread', className: 'messages' }),
          composer('thread-composer', 'Reply …'),
        ),
        h('div', { id: 'modal', className: 'overlay' }),
        h('div', { id: 'notice', className: 'notice', role: 'status' }),
      ),
    ),
  )}`;
}

function composer(id: string, placeholder: string): ReactNode {
  return h(
    'form',
    { id, className: 'composer' },
    h(
      'div',
      { className: 'edit-mark' },
      'Editing a message',
      h('button', { type: 'button', className: 'button cancel-edit' }, 'Cancel'),
    ),
    h('textarea', { name: 'text', rows: 1, placeholder, spellCheck: false, 'aria-label': placeholder }),
    h(
      'div',
      { className: 'composer-bar' },
      h(
        'label',
        { className: 'attach', title: 'Attach a file' },
        '+',
        h('input', { type: 'file', name: 'file', hidden: true }),
      ),
      h('span', { className: 'attached' }),
      h('small', null, 'Shift+Enter for a new line'),
      h('button', { type: 'submit', className: 'button primary' }, 'Send'),
    ),
  );
}
