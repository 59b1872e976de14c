/**
 * Block Kit's text objects, options and interactive elements with Slack's limits (docs.slack.dev/reference/block-kit).
 * Everything is strict: an unknown field is an error.
 */
import { z } from 'zod';

/** A text, with Slack's error messages if it is too short or too long. */
export const text = (max: number) =>
  z
    .string()
    .min(1, 'must be more than 0 characters')
    .max(max, `must be less than ${max + 1} characters`)
    .refine((value) => value.isWellFormed(), 'must be valid Unicode');

export const plainText = (max: number) =>
  z.strictObject({ type: z.literal('plain_text'), text: text(max), emoji: z.boolean().optional() });

const mrkdwn = (max: number) =>
  z.strictObject({ type: z.literal('mrkdwn'), text: text(max), verbatim: z.boolean().optional() });

export const anyText = (max: number) => z.discriminatedUnion('type', [plainText(max), mrkdwn(max)]);

/** An address with its scheme. */
export const address = text(3000).refine((value) => URL.canParse(value), 'must be a valid URL');

const id = text(255);
export const blockId = id.optional();
const placeholder = plainText(150).optional();
const focus_on_load = z.boolean().optional();
const style = z.enum(['primary', 'danger']).optional();

const confirm = z
  .strictObject({
    title: plainText(100),
    text: anyText(300),
    confirm: plainText(30),
    deny: plainText(30),
    style,
  })
  .optional();

const optionWith = <T extends z.ZodType>(words: T) =>
  z.strictObject({
    text: words,
    value: text(150),
    description: words.optional(),
    url: address.optional(),
  });
const option = optionWith(plainText(75));
/** Of radio buttons and checkboxes. */
const choice = optionWith(anyText(75));

export type Option = z.infer<typeof choice>;

const options = (max: number) => z.array(option).min(1).max(max);
const groups = z
  .array(z.strictObject({ label: plainText(75), options: options(100) }))
  .min(1)
  .max(100);

export const button = z.strictObject({
  type: z.literal('button'),
  text: plainText(75),
  action_id: id.optional(),
  value: text(2000).optional(),
  url: address.optional(),
  style,
  confirm,
  accessibility_label: text(75).optional(),
});

const slackFile = z.strictObject({ id: z.string().optional(), url: z.string().optional() });

export const imageSource = { image_url: address.optional(), slack_file: slackFile.optional() };

/** Exactly one source; of a Slack file exactly one of id and url. */
export function hasOneImageSource(image: {
  image_url?: string | undefined;
  slack_file?: z.infer<typeof slackFile> | undefined;
}): boolean {
  if ((image.image_url === undefined) === (image.slack_file === undefined)) return false;
  return (
    image.slack_file === undefined ||
    (image.slack_file.id === undefined) !== (image.slack_file.url === undefined)
  );
}

export const image = z
  .strictObject({ type: z.literal('image'), alt_text: text(2000), ...imageSource })
  .refine(hasOneImageSource, 'must have exactly one of image_url and slack_file');

const picker = { action_id: id.optional(), placeholder, confirm, focus_on_load };

const staticSelect = z
  .strictObject({
    type: z.literal('static_select'),
    ...picker,
    options: options(100).optional(),
    option_groups: groups.optional(),
    initial_option: option.optional(),
  })
  .refine(
    (s) => (s.options === undefined) !== (s.option_groups === undefined),
    'must have options or option_groups',
  )
  .refine(
    (s) => s.initial_option === undefined || optionsOf(s).some((o) => sameOption(o, s.initial_option)),
    'initial_option must match an option',
  );

const multiStaticSelect = z.strictObject({
  type: z.literal('multi_static_select'),
  ...picker,
  options: options(100).optional(),
  option_groups: groups.optional(),
  initial_options: z.array(option).optional(),
  max_selected_items: z.int().min(1).optional(),
});

const choices = {
  action_id: id.optional(),
  options: z.array(choice).min(1).max(10),
  confirm,
  focus_on_load,
};

const radioButtons = z.strictObject({
  type: z.literal('radio_buttons'),
  ...choices,
  initial_option: choice.optional(),
});

const checkboxes = z.strictObject({
  type: z.literal('checkboxes'),
  ...choices,
  initial_options: z.array(choice).optional(),
});

const overflow = z.strictObject({
  type: z.literal('overflow'),
  action_id: id.optional(),
  options: options(5),
  confirm,
});

const usersSelect = z.strictObject({
  type: z.literal('users_select'),
  ...picker,
  initial_user: z.string().optional(),
});

const channelSelect = { ...picker, response_url_enabled: z.boolean().optional() };

const channelsSelect = z.strictObject({
  type: z.literal('channels_select'),
  ...channelSelect,
  initial_channel: z.string().optional(),
});

const conversationsSelect = z.strictObject({
  type: z.literal('conversations_select'),
  ...channelSelect,
  initial_conversation: z.string().optional(),
  default_to_current_conversation: z.boolean().optional(),
  filter: z.looseObject({}).optional(),
});

const datepicker = z.strictObject({
  type: z.literal('datepicker'),
  ...picker,
  initial_date: z.iso.date().optional(),
});

const timepicker = z.strictObject({
  type: z.literal('timepicker'),
  ...picker,
  initial_time: z.string().optional(),
  timezone: z.string().optional(),
});

const dispatch_action_config = z
  .strictObject({
    trigger_actions_on: z.array(z.enum(['on_enter_pressed', 'on_character_entered'])).optional(),
  })
  .optional();

const plainTextInput = z
  .strictObject({
    type: z.literal('plain_text_input'),
    action_id: id.optional(),
    placeholder,
    focus_on_load,
    dispatch_action_config,
    initial_value: z.string().max(3000, 'must be less than 3001 characters').optional(),
    multiline: z.boolean().optional(),
    min_length: z.int().min(0).max(3000).optional(),
    max_length: z.int().min(1).max(3000).optional(),
  })
  .refine((input) => (input.min_length ?? 0) <= (input.max_length ?? 3000), 'min_length is over max_length')
  .refine(
    (input) => (input.initial_value ?? '').length <= (input.max_length ?? 3000),
    'initial_value is longer than max_length',
  );

const numberInput = z.strictObject({
  type: z.literal('number_input'),
  action_id: id.optional(),
  is_decimal_allowed: z.boolean(),
  placeholder,
  focus_on_load,
  dispatch_action_config,
  initial_value: z.string().optional(),
  min_value: z.string().optional(),
  max_value: z.string().optional(),
});

const fileInput = z.strictObject({
  type: z.literal('file_input'),
  action_id: id.optional(),
  filetypes: z.array(z.string()).optional(),
  max_files: z.int().min(1).max(10).optional(),
});

const choosable = [
  staticSelect,
  multiStaticSelect,
  usersSelect,
  channelsSelect,
  conversationsSelect,
  datepicker,
  timepicker,
  radioButtons,
  checkboxes,
] as const;
const pressable = [button, overflow, ...choosable] as const;

export const actionsElement = z.discriminatedUnion('type', [...pressable]);
export const accessory = z.discriminatedUnion('type', [...pressable, image]);
export const inputElement = z.discriminatedUnion('type', [
  plainTextInput,
  numberInput,
  fileInput,
  ...choosable,
]);

export type ActionsElement = z.infer<typeof actionsElement>;
export type InputElement = z.infer<typeof inputElement>;
export type Accessory = z.infer<typeof accessory>;

/** The options of a select, those of groups included. */
export function optionsOf(element: {
  options?: Option[] | undefined;
  option_groups?: { options: Option[] }[] | undefined;
}): Option[] {
  return element.options ?? (element.option_groups ?? []).flatMap((group) => group.options);
}

function sameOption(one: Option, other: Option | undefined): boolean {
  return other !== undefined && one.value === other.value && one.text.text === other.text.text;
}
