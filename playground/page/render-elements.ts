/** Buttons and selects. The page's script sends `data-press` with what was chosen. */
import { createElement as h, type ReactNode } from 'react';
import { optionsOf, type ActionsElement, type Option } from '../block-elements.ts';
import type { World } from '../world.ts';

export function Pressed({ element, world }: { element: ActionsElement; world: World }): ReactNode {
  const common = { 'data-press': element.action_id ?? '', ...confirmation(element) };
  switch (element.type) {
    case 'button': {
      const className = `button ${element.style ?? ''}`;
      const label = emojiWords(element.text.text);
      if (element.url === undefined) return h('button', { ...common, type: 'button', className }, label);
      return h('a', { ...common, className, href: element.url, target: '_blank', rel: 'noreferrer' }, label);
    }
    case 'static_select':
    case 'multi_static_select':
    case 'radio_buttons':
    case 'checkboxes':
    case 'overflow':
      return h(
        'select',
        { ...common, className: `select ${element.type}`, defaultValue: '' },
        h('option', { value: '', disabled: true }, placeholderOf(element)),
        optionsOf(element).map((option) =>
          h('option', { key: option.value, value: option.value }, option.text.text),
        ),
      );
    case 'users_select':
    case 'channels_select':
    case 'conversations_select':
      return h(
        'select',
        { ...common, className: 'select', defaultValue: '' },
        h('option', { value: '', disabled: true }, placeholderOf(element)),
        placesFor(element.type, world).map(({ value, label }) => h('option', { key: value, value }, label)),
      );
    case 'datepicker':
      return h('input', { ...common, className: 'select', type: 'date', defaultValue: element.initial_date });
    case 'timepicker':
      return h('input', { ...common, className: 'select', type: 'time', defaultValue: element.initial_time });
  }
}

/** Users or channels as the options of a select. */
export function placesFor(
  type: 'users_select' | 'channels_select' | 'conversations_select',
  world: World,
): { value: string; label: string }[] {
  if (type === 'users_select') {
    return [...world.users.values()].map((user) => ({ value: user.id, label: `@${user.name}` }));
  }
  const channels = [...world.channels.values()].filter(
    (channel) => channel.kind !== 'im' && !channel.archived,
  );
  return channels.map((channel) => ({ value: channel.id, label: `#${channel.name}` }));
}

export function optionLabel(option: Option): string {
  return option.text.text;
}

function placeholderOf(element: ActionsElement): string {
  if (element.type === 'overflow') return '⋯';
  return 'placeholder' in element && element.placeholder !== undefined ? element.placeholder.text : 'Choose…';
}

function confirmation(element: ActionsElement): Record<string, string> {
  if (!('confirm' in element) || element.confirm === undefined) return {};
  return { 'data-confirm': `${element.confirm.title.text}\n\n${element.confirm.text.text}` };
}

const buttonEmojis: Readonly<Record<string, string>> = {
  ':arrows_counterclockwise:': '🔄',
  ':pencil2:': '✏️',
  ':repeat:': '🔁',
  ':stop_button:': '⏹️',
  ':wastebasket:': '🗑️',
};

function emojiWords(text: string): string {
  return text.replaceAll(/:[\w+-]+:/g, (name) => buttonEmojis[name] ?? name);
}
