/** The `actions` entry of a block_actions payload. */
import { type Accessory, type ActionsElement, optionsOf } from './block-elements.ts';
import type { Block } from './blocks-schema.ts';

export type Pressable = ActionsElement;

/** All interactive elements of these blocks, with their block. */
function pressables(blocks: readonly Block[]): { block: Block; element: Pressable }[] {
  return blocks.flatMap((block) => elementsOf(block).map((element) => ({ block, element })));
}

/** The element with this action_id; a unique beginning of it is enough. */
export function findPressable(
  blocks: readonly Block[],
  actionId: string,
): { block: Block; element: Pressable } {
  const all = pressables(blocks);
  const found =
    all.find(({ element }) => element.action_id === actionId) ??
    all.find(({ element }) => element.action_id?.startsWith(actionId) === true);
  if (found !== undefined) return found;
  const there = all.map(({ element }) => element.action_id).join(', ');
  throw new Error(`nothing to press called ${actionId}; there is: ${there === '' ? 'nothing' : there}`);
}

export function actionOf(
  block: Block,
  element: Pressable,
  choice: string | undefined,
  actionTs: string,
): Record<string, unknown> {
  const common = {
    type: element.type,
    action_id: element.action_id,
    block_id: block.block_id,
    action_ts: actionTs,
  };
  switch (element.type) {
    case 'button':
      return {
        ...common,
        text: { emoji: true, ...element.text },
        ...(element.value === undefined ? {} : { value: element.value }),
        ...(element.style === undefined ? {} : { style: element.style }),
        ...(element.url === undefined ? {} : { url: element.url }),
      };
    case 'static_select':
    case 'radio_buttons':
    case 'overflow':
      return { ...common, selected_option: chosen(element, choice) };
    case 'multi_static_select':
    case 'checkboxes':
      return { ...common, selected_options: choice === undefined ? [] : [chosen(element, choice)] };
    case 'users_select':
      return { ...common, selected_user: choice };
    case 'channels_select':
      return { ...common, selected_channel: choice };
    case 'conversations_select':
      return { ...common, selected_conversation: choice };
    case 'datepicker':
      return { ...common, selected_date: choice };
    case 'timepicker':
      return { ...common, selected_time: choice };
  }
}

function chosen(element: Parameters<typeof optionsOf>[0], choice: string | undefined): unknown {
  const option = optionsOf(element).find((candidate) => candidate.value === choice);
  if (option === undefined) throw new Error(`no option ${choice ?? ''}`);
  return option;
}

function elementsOf(block: Block): Pressable[] {
  if (block.type === 'actions') return block.elements;
  if (block.type === 'context_actions') return block.elements;
  if (block.type === 'section' && isPressable(block.accessory)) return [block.accessory];
  return [];
}

function isPressable(accessory: Accessory | undefined): accessory is Pressable {
  return accessory !== undefined && accessory.type !== 'image';
}
