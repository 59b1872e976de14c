import type {
  ActionsBlock,
  Button,
  ConfirmationDialog,
  ContextBlock,
  HeaderBlock,
  InputBlock,
  KnownBlock,
  ModalView,
  PlainTextElement,
  PlainTextOption,
  SectionBlock,
} from '@slack/types';
import { z } from 'zod';
import { joinWords, parseJson } from '../../text.ts';
import { truncate, truncateMiddle, truncateMrkdwn } from './truncate.ts';

/**
 * The elements of messages, modals and the home tab. In mrkdwn, text from people or kernels has to be escaped first.
 */

/**
 * Escapes text for mrkdwn, so that it makes no mention, link or broadcast (slack.md §5), and replaces lone surrogates,
 * which Slack refuses.
 */
export function escapeMrkdwn(text: string): string {
  return text.toWellFormed().replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** chat.update refuses over 4,000 bytes of `text` (slack.md §2). */
export const MAX_TEXT_BYTES = 3_800;

/** The `text` of a message that may be edited. Cut before it is escaped, so that no entity is cut. */
export function fallbackText(words: readonly string[], maxBytes = MAX_TEXT_BYTES): string {
  const whole = joinWords('\n', words);
  for (let chars = MAX_TEXT_BYTES; ;) {
    const escaped = escapeMrkdwn(truncateMiddle(whole, chars, '\n…\n'));
    const bytes = Buffer.byteLength(escaped);
    if (bytes <= maxBytes || chars <= 100) return escaped;
    chars = Math.floor(
      Math.max(100, Math.min(chars - 1, (Math.min(chars, whole.length) * maxBytes) / bytes)),
    );
  }
}

/** A mention; a bot without a user (B…) cannot be mentioned. */
export function mention(userId: string): string {
  return userId.startsWith('B') ? `bot ${userId}` : `<@${userId}>`;
}

/** A channel, for somebody who is in it. A direct message has no name. */
export function channelName(channel: string): string {
  return channel.startsWith('D') ? 'your direct messages' : `<#${channel}>`;
}

/** A time in the reader's own zone. `atMs`: ms since the epoch. */
export function slackTime(atMs: number): string {
  const seconds = Math.floor(atMs / 1000);
  return `<!date^${seconds}^{date_short_pretty} at {time}|${new Date(atMs).toISOString()}>`;
}

/** A block holds 3,000 characters. */
export function section(text: string): SectionBlock {
  return { type: 'section', text: { type: 'mrkdwn', text: truncateMrkdwn(text, 3_000) } };
}

/** A line in large letters, without markup. */
/** The heading of a list of `all` entries, of which `shown` are shown. */
export function header(title: string, shown = 0, all = shown): HeaderBlock {
  return { type: 'header', text: plainText(shown < all ? `${title} (${shown} of ${all})` : title) };
}

export function plainText(text: string): PlainTextElement {
  return { type: 'plain_text', text };
}

/** Text from others: `:tada:` is not turned into an emoji, and lone surrogates, which Slack refuses, are replaced. */
export function literal(text: string): PlainTextElement {
  return { type: 'plain_text', text: text.toWellFormed(), emoji: false };
}

/** A small line of literal text. */
export function contextLine(text: string): ContextBlock {
  return { type: 'context', elements: [literal(text)] };
}

/** An option of a menu. Slack refuses labels over 75 characters. */
export function option(label: string, value: string): PlainTextOption {
  return { text: literal(truncate(label, 75)), value };
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

/** A press on a button that acts on something. */
export interface Click<Action> {
  action: Action;
  id: string;
  /** The state given when the button was rendered: a press counts once for each id, action and state. */
  state: string;
}

/** The buttons of one kind of thing; their action ids begin with `prefix`. */
export function createButtons<Action extends string>(
  prefix: string,
  labels: Readonly<Record<Action, string>>,
  looks: Readonly<Partial<Record<Action, Pick<Button, 'style' | 'confirm'>>>>,
) {
  const isAction = (name: string): name is Action => Object.hasOwn(labels, name);
  return {
    render: (action: Action, id: string, state: string | number): Button =>
      button(labels[action], `${prefix}${action}`, `${id}|${state}`, looks[action]),
    /** Undefined for any other button. */
    read: (value: string, actionId: string): Click<Action> | undefined => {
      const action = actionId.slice(prefix.length);
      const [id, state] = value.split('|');
      if (!actionId.startsWith(prefix) || !isAction(action) || !id || !state) return undefined;
      return { action, id, state };
    },
  };
}

/** The question before a press that destroys something. */
export function confirmation(question: string, text: string, yes: string): { confirm: ConfirmationDialog } {
  const confirm: ConfirmationDialog = {
    title: plainText(question),
    text: plainText(text),
    confirm: plainText(yes),
    deny: plainText('Cancel'),
    style: 'danger',
  };
  return { confirm };
}

/** A button that carries a value as JSON. */
export function createValueButton<Value>(
  action: string,
  label: string,
  schema: z.ZodType<Value>,
  look: Pick<Button, 'style'> = {},
) {
  return {
    action,
    render: (value: Value): Button => button(label, action, JSON.stringify(value), look),
    /** Undefined for a value of another form. */
    read: (value: string): Value | undefined => schema.safeParse(parseJson(value)).data,
  };
}

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

/** Reads the `metadata` of `renderModal`; undefined if another version of the bot wrote it. */
export function readMetadata<Metadata>(schema: z.ZodType<Metadata>, written: string): Metadata | undefined {
  return schema.safeParse(parseJson(written)).data;
}

/** A field of a modal; `id` is its block id and its action id. */
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

/** The content of the fields of a submitted modal, by `id`; undefined for a field that it does not have. */
export type Fields = (id: string) => z.infer<typeof fieldSchema> | undefined;

export function readFields(state: unknown): Fields {
  const values = fieldsSchema.parse(state);
  return (id) => values[id]?.[id];
}

/** A modal with one sentence: plain text, or our own mrkdwn. */
export function renderSentence(text: string, format: 'plain' | 'mrkdwn' = 'plain'): ModalView {
  return {
    type: 'modal',
    title: plainText('Sparkthread'),
    close: plainText('Close'),
    blocks: [format === 'plain' ? { type: 'section', text: literal(truncate(text, 3_000)) } : section(text)],
  };
}
