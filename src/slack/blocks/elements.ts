import type { ActionsBlock, Button, ConfirmationDialog, PlainTextElement } from '@slack/types';
import type { z } from 'zod';

/** What messages, modals and the home tab are put together from, beside text. */

export function plainText(text: string): PlainTextElement {
  return { type: 'plain_text', text };
}

/** `value` comes back with each press. */
export function button(
  label: string,
  action: string,
  value?: string,
  more: Pick<Button, 'style' | 'confirm'> = {},
): Button {
  return {
    type: 'button',
    text: plainText(label),
    action_id: action,
    ...(value === undefined ? {} : { value }),
    ...more,
  };
}

export function buttonRow(...elements: Button[]): ActionsBlock {
  return { type: 'actions', elements };
}

/** Asked before a press that takes something away. */
export function confirmation(question: string, text: string, yes: string): ConfirmationDialog {
  return {
    title: plainText(question),
    text: plainText(text),
    confirm: plainText(yes),
    deny: plainText('Cancel'),
    style: 'danger',
  };
}

/** A button's value that is JSON; undefined when it is none of ours. */
export function readValue<Value>(schema: z.ZodType<Value>, value: string | undefined): Value | undefined {
  try {
    return schema.safeParse(JSON.parse(value ?? '')).data;
  } catch {
    return undefined;
  }
}
