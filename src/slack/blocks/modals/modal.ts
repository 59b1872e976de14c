import { z } from 'zod';
import type { InputBlock, KnownBlock, ModalView, PlainTextElement } from '@slack/types';
import { literal, plainText, section } from '../elements.ts';
import { truncate } from '../truncate.ts';

/** A modal with something to submit; `metadata` comes back with it. */
export function renderModal(
  { callback, title, submit, close = 'Cancel', metadata }: ModalHead,
  blocks: KnownBlock[],
): ModalView {
  return {
    type: 'modal',
    callback_id: callback,
    title: plainText(title),
    submit: plainText(submit),
    close: plainText(close),
    private_metadata: JSON.stringify(metadata),
    blocks,
  };
}

interface ModalHead {
  callback: string;
  title: string;
  submit: string;
  close?: string;
  metadata: object;
}

/** What `renderModal` was given as `metadata`. */
export function readMetadata<Metadata>(schema: z.ZodType<Metadata>, written: string): Metadata {
  return schema.parse(JSON.parse(written));
}

/** One field of a modal; what is in it is known by `id`, as block and as action. */
export function renderField(
  id: string,
  label: string | PlainTextElement,
  element: InputBlock['element'],
  { hint, optional }: { hint?: string; optional?: boolean } = {},
): InputBlock {
  return {
    type: 'input',
    block_id: id,
    label: typeof label === 'string' ? plainText(label) : label,
    element: { ...element, action_id: id },
    ...(hint === undefined ? {} : { hint: plainText(hint) }),
    ...(optional === undefined ? {} : { optional }),
  };
}

const fieldSchema = z.object({
  value: z.string().nullish(),
  files: z.array(z.unknown()).nullish(),
  selected_option: z.object({ value: z.string() }).nullish(),
  selected_options: z.array(z.object({ value: z.string() })).nullish(),
  selected_conversation: z.string().nullish(),
});
const fieldsSchema = z.record(z.string(), z.record(z.string(), fieldSchema));

/** What is in the fields of a submitted modal, by `id`; undefined for a field that it does not have. */
export type Fields = (id: string) => z.infer<typeof fieldSchema> | undefined;

export function readFields(state: unknown): Fields {
  const values = fieldsSchema.parse(state);
  return (id) => values[id]?.[id];
}

/** A modal that says one sentence: plain text, or mrkdwn of our own making. */
export function renderSentence(text: string, format: 'plain' | 'mrkdwn' = 'plain'): ModalView {
  return {
    type: 'modal',
    title: plainText('Sparkthread'),
    close: plainText('Close'),
    blocks: [format === 'plain' ? { type: 'section', text: literal(truncate(text, 3_000)) } : section(text)],
  };
}
