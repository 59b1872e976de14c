/** Modals and home tabs: the schema for views.*, and the view as Slack sends it. */
import { z } from 'zod';
import { optionsOf, plainText, type InputElement } from './block-elements.ts';
import { readBlocks, type Block } from './blocks-schema.ts';

const title = plainText(24);
const common = {
  private_metadata: z.string().max(3000, 'must be less than 3001 characters').optional(),
  callback_id: z.string().max(255, 'must be less than 256 characters').optional(),
  external_id: z.string().max(255, 'must be less than 256 characters').optional(),
  blocks: z.array(z.unknown()),
};
const modal = z.strictObject({
  type: z.literal('modal'),
  title,
  submit: title.optional(),
  close: title.optional(),
  clear_on_close: z.boolean().optional(),
  notify_on_close: z.boolean().optional(),
  submit_disabled: z.boolean().optional(),
  ...common,
});
const home = z.strictObject({ type: z.literal('home'), ...common });
const viewArgument = z.discriminatedUnion('type', [modal, home]);

export type ViewDraft = Omit<z.infer<typeof modal>, 'blocks' | 'type'> & {
  type: 'modal' | 'home';
  blocks: Block[];
};

/** The value of an input, in `view.state.values[block_id][action_id]`. */
export interface InputState {
  readonly type: string;
  readonly value?: string | null;
  readonly selected_option?: unknown;
  readonly selected_options?: readonly unknown[];
  readonly [key: string]: unknown;
}

export type ViewValues = Record<string, Record<string, InputState>>;

export interface View {
  readonly id: string;
  readonly userId: string;
  draft: ViewDraft;
  hash: string;
  values: ViewValues;
  readonly rootId: string;
  readonly previousId: string | undefined;
  /** Closed views are kept for tests. */
  open: boolean;
  /** The errors of a refused submission, by block_id. */
  errors: Record<string, string>;
}

const maxViewBytes = 250_000;

export type ViewVerdict =
  | { readonly ok: true; readonly draft: ViewDraft }
  | {
      readonly ok: false;
      readonly error: 'invalid_arguments' | 'view_too_large';
      readonly messages: string[];
    };

/** Checks a `view` argument of views.open, push, update (modal) and publish (home). */
export function readView(value: unknown, surface: 'modal' | 'home', nextId: () => string): ViewVerdict {
  if (Buffer.byteLength(JSON.stringify(value) ?? '') > maxViewBytes) {
    return { ok: false, error: 'view_too_large', messages: [] };
  }
  const read = viewArgument.safeParse(value);
  if (!read.success) {
    const messages = read.error.issues.map(
      (issue) => `[ERROR] ${issue.message} [json-pointer:/view/${issue.path.map(String).join('/')}]`,
    );
    return { ok: false, error: 'invalid_arguments', messages };
  }
  if (read.data.type !== surface) {
    return {
      ok: false,
      error: 'invalid_arguments',
      messages: [`[ERROR] must be a ${surface} [json-pointer:/view/type]`],
    };
  }
  const blocks = readBlocks(read.data.blocks, surface, nextId);
  if (!blocks.ok) return { ok: false, error: 'invalid_arguments', messages: blocks.messages };
  if (
    read.data.type === 'modal' &&
    read.data.submit === undefined &&
    blocks.blocks.some((b) => b.type === 'input')
  ) {
    const messages = [
      '[ERROR] submit is required when an input block is within blocks [json-pointer:/view/submit]',
    ];
    return { ok: false, error: 'invalid_arguments', messages };
  }
  const focused = JSON.stringify(read.data.blocks).match(/"focus_on_load":true/g) ?? [];
  if (focused.length > 1) {
    const messages = ['[ERROR] only one element may have focus_on_load [json-pointer:/view/blocks]'];
    return { ok: false, error: 'invalid_arguments', messages };
  }
  return { ok: true, draft: { ...read.data, title: titleOf(read.data), blocks: blocks.blocks } };
}

function titleOf(view: z.infer<typeof viewArgument>): ViewDraft['title'] {
  return view.type === 'modal' ? view.title : { type: 'plain_text', text: 'Home' };
}

/**
 * The initial state of a view: the initial values of its inputs, or what was typed before into inputs with the same
 * ids.
 */
export function initialValues(blocks: readonly Block[], typed: ViewValues = {}): ViewValues {
  const values: ViewValues = {};
  for (const block of blocks) {
    const found =
      block.type === 'input'
        ? [block.element]
        : block.type === 'actions'
          ? block.elements
          : accessoryOf(block);
    const blockId = block.block_id ?? '';
    for (const element of found) {
      if (element.type === 'button' || element.type === 'overflow' || element.type === 'image') continue;
      const actionId = element.action_id ?? '';
      values[blockId] ??= {};
      values[blockId][actionId] = typed[blockId]?.[actionId] ?? initialState(element);
    }
  }
  return values;
}

function accessoryOf(block: Block) {
  return block.type === 'section' && block.accessory !== undefined ? [block.accessory] : [];
}

function initialState(element: InputElement): InputState {
  switch (element.type) {
    case 'plain_text_input':
    case 'number_input':
      return { type: element.type, value: element.initial_value ?? null };
    case 'static_select':
    case 'radio_buttons':
      return { type: element.type, selected_option: element.initial_option ?? null };
    case 'checkboxes':
    case 'multi_static_select':
      return { type: element.type, selected_options: element.initial_options ?? [] };
    case 'users_select':
      return { type: element.type, selected_user: element.initial_user ?? null };
    case 'channels_select':
      return { type: element.type, selected_channel: element.initial_channel ?? null };
    case 'conversations_select':
      return { type: element.type, selected_conversation: element.initial_conversation ?? null };
    case 'datepicker':
      return { type: element.type, selected_date: element.initial_date ?? null };
    case 'timepicker':
      return { type: element.type, selected_time: element.initial_time ?? null };
    case 'file_input':
      return { type: element.type, files: [] };
  }
}

/** What typed text becomes in the state: a text, or the option with this value. */
export function typedState(element: InputElement, typed: string | readonly string[]): InputState {
  const one = typeof typed === 'string' ? typed : (typed[0] ?? '');
  const many = typeof typed === 'string' ? [typed] : typed;
  switch (element.type) {
    case 'plain_text_input':
    case 'number_input':
      return { type: element.type, value: one === '' ? null : one };
    case 'static_select':
    case 'radio_buttons': {
      const option = optionsOf(element).find((candidate) => candidate.value === one);
      if (option === undefined) throw new Error(`no option ${one} in ${String(element.action_id)}`);
      return { type: element.type, selected_option: option };
    }
    case 'checkboxes':
    case 'multi_static_select':
      return {
        type: element.type,
        selected_options: optionsOf(element).filter((o) => many.includes(o.value)),
      };
    case 'users_select':
      return { type: element.type, selected_user: one };
    case 'channels_select':
      return { type: element.type, selected_channel: one };
    case 'conversations_select':
      return { type: element.type, selected_conversation: one };
    case 'datepicker':
      return { type: element.type, selected_date: one };
    case 'timepicker':
      return { type: element.type, selected_time: one };
    case 'file_input':
      return { type: element.type, files: many };
  }
}

export function isEmptyState(state: InputState | undefined): boolean {
  if (state === undefined) return true;
  const { type: _type, ...rest } = state;
  return Object.values(rest).every((value) => value === null || (Array.isArray(value) && value.length === 0));
}

export function presentView(
  view: View,
  team: { teamId: string; appId: string; botId: string },
): Record<string, unknown> {
  const { draft } = view;
  return {
    id: view.id,
    team_id: team.teamId,
    app_id: team.appId,
    app_installed_team_id: team.teamId,
    bot_id: team.botId,
    type: draft.type,
    title: draft.title,
    submit: draft.submit ?? null,
    close: draft.close ?? null,
    blocks: structuredClone(draft.blocks),
    private_metadata: draft.private_metadata ?? '',
    callback_id: draft.callback_id ?? '',
    external_id: draft.external_id ?? '',
    clear_on_close: draft.clear_on_close ?? false,
    notify_on_close: draft.notify_on_close ?? false,
    hash: view.hash,
    state: { values: structuredClone(view.values) },
    root_view_id: view.rootId,
    previous_view_id: view.previousId ?? null,
  };
}
