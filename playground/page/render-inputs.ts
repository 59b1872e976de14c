/** Input blocks of modals as native form fields, named by block_id. */
import { createElement as h, type ReactNode } from 'react';
import { optionsOf, type InputElement } from '../block-elements.ts';
import type { Block } from '../blocks-schema.ts';
import type { View } from '../views.ts';
import type { World } from '../world.ts';
import { optionLabel, placesFor } from './render-elements.ts';

interface InputProps {
  readonly block: Extract<Block, { type: 'input' }>;
  readonly world: World;
  readonly view?: View;
  readonly channelId?: string;
}

export function Input({ block, world, view, channelId }: InputProps): ReactNode {
  const name = block.block_id ?? '';
  const error = view?.errors[name];
  const { element } = block;
  const held = valuesOf(view, name, element);
  const isHere = element.type === 'conversations_select' && element.default_to_current_conversation === true;
  const values = isHere && channelId !== undefined && held.every((each) => each === '') ? [channelId] : held;
  return h(
    'label',
    { className: error === undefined ? 'field' : 'field field-wrong' },
    h(
      'span',
      { className: 'field-label' },
      block.label.text,
      block.optional === true ? h('i', null, ' (optional)') : null,
    ),
    h(Field, { element, name, world, values }),
    block.hint === undefined ? null : h('span', { className: 'field-hint' }, block.hint.text),
    error === undefined ? null : h('span', { className: 'field-error' }, error),
  );
}

function Field(props: {
  element: InputElement;
  name: string;
  world: World;
  values: readonly string[];
}): ReactNode {
  const { element, name, world, values } = props;
  const [defaultValue = ''] = values;
  switch (element.type) {
    case 'plain_text_input': {
      const field = {
        name,
        defaultValue,
        placeholder: element.placeholder?.text,
        autoFocus: element.focus_on_load,
        spellCheck: false,
      };
      return element.multiline === true
        ? h('textarea', { ...field, rows: 9, className: 'code' })
        : h('input', { ...field, type: 'text' });
    }
    case 'number_input':
      return h('input', { name, defaultValue, type: 'number', step: element.is_decimal_allowed ? 'any' : 1 });
    case 'static_select':
    case 'multi_static_select': {
      const isMulti = element.type === 'multi_static_select';
      const options = optionsOf(element).map((option) => ({
        value: option.value,
        label: optionLabel(option),
      }));
      return h(Choice, { name, options, values, isMulti, placeholder: element.placeholder?.text });
    }
    case 'users_select':
    case 'channels_select':
    case 'conversations_select':
      return h(Choice, {
        name,
        options: placesFor(element.type, world),
        values,
        isMulti: false,
        placeholder: element.placeholder?.text,
      });
    case 'radio_buttons':
    case 'checkboxes': {
      const type = element.type === 'checkboxes' ? 'checkbox' : 'radio';
      return element.options.map((option) =>
        h(
          'label',
          { key: option.value, className: 'choice' },
          h('input', { type, name, value: option.value, defaultChecked: values.includes(option.value) }),
          optionLabel(option),
        ),
      );
    }
    case 'datepicker':
      return h('input', { name, defaultValue, type: 'date' });
    case 'timepicker':
      return h('input', { name, defaultValue, type: 'time' });
    case 'file_input':
      return h('input', { name, type: 'file', disabled: true });
  }
}

function Choice(props: {
  name: string;
  options: readonly { value: string; label: string }[];
  values: readonly string[];
  isMulti: boolean;
  placeholder: string | undefined;
}): ReactNode {
  const { name, options, values, isMulti, placeholder = 'Choose…' } = props;
  return h(
    'select',
    { name, multiple: isMulti, defaultValue: isMulti ? [...values] : (values[0] ?? '') },
    isMulti ? null : h('option', { value: '' }, placeholder),
    options.map(({ value, label }) => h('option', { key: value, value }, label)),
  );
}

/** The present value of the field: typed before, or given by the app. */
function valuesOf(view: View | undefined, blockId: string, element: InputElement): string[] {
  const state = view?.values[blockId]?.[element.action_id ?? ''];
  if (state === undefined) return [];
  const { type: _type, ...held } = state;
  return Object.values(held).flatMap((value) => (Array.isArray(value) ? value.map(textOf) : [textOf(value)]));
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || !('value' in value)) return '';
  return typeof value.value === 'string' ? value.value : '';
}
