/** Block Kit as HTML: static blocks by slack-blocks-to-jsx, interactive elements by our own forms. */
import { createElement as h, type ComponentProps, type ReactNode } from 'react';
import { Message } from 'slack-blocks-to-jsx';
import type { Block, TableCell } from '../blocks-schema.ts';
import type { View } from '../views.ts';
import type { World } from '../world.ts';
import { Pressed } from './render-elements.ts';
import { Input } from './render-inputs.ts';

type DrawableBlock = ComponentProps<typeof Message>['blocks'][number];

interface BlocksProps {
  readonly world: World;
  readonly blocks: readonly Block[];
  /** The viewer, whose mentions stand out. */
  readonly viewerId: string;
  /** For inputs: their view, and the channel that the viewer looks at. */
  readonly view?: View;
  readonly channelId?: string;
}

export function Blocks({ world, blocks, viewerId, view, channelId }: BlocksProps): ReactNode {
  return blocks.map((block, index) => {
    const key = `${index}-${block.type}`;
    switch (block.type) {
      case 'actions':
      case 'context_actions':
        return h(
          'div',
          { key, className: 'actions' },
          block.elements.map((element) => h(Pressed, { key: element.action_id, element, world })),
        );
      case 'divider':
        return h('hr', { key });
      case 'input':
        return h(Input, {
          key,
          block,
          world,
          ...(view === undefined ? {} : { view }),
          ...(channelId === undefined ? {} : { channelId }),
        });
      case 'section':
        if (block.accessory === undefined || block.accessory.type === 'image') {
          return h(Shown, { key, world, viewerId, block });
        }
        return h(
          'div',
          { key, className: 'with-accessory' },
          h(Shown, { world, viewerId, block: { ...block, accessory: undefined } }),
          h(Pressed, { element: block.accessory, world }),
        );
      default:
        return h(Shown, { key, world, viewerId, block });
    }
  });
}

/** mrkdwn without blocks, for messages with text only. */
export function MrkdwnText({
  world,
  text,
  viewerId,
}: {
  world: World;
  text: string;
  viewerId: string;
}): ReactNode {
  return h(Shown, { world, viewerId, block: { type: 'section', text: { type: 'mrkdwn', text } } });
}

function Shown({ world, viewerId, block }: { world: World; viewerId: string; block: Block }): ReactNode {
  return h(
    'div',
    { className: `block block-${block.type}` },
    block.type === 'data_table' ? h('div', { className: 'caption' }, block.caption) : null,
    h(Message, {
      blocks: [drawable(world, block)].filter(isDrawable),
      hooks: hooksFor(world, viewerId),
      logo: '',
      name: '',
      theme: 'light',
      unstyled: true,
      withoutWrapper: true,
    }),
  );
}

/** The block in the library's form: numbers as text, files of the workspace by their URL here. */
function drawable(world: World, block: Block): object {
  if (block.type === 'table' || block.type === 'data_table') {
    return { ...block, type: 'table', rows: block.rows.map((row) => row.map(drawableCell)) };
  }
  if (block.type === 'image') {
    const { slack_file: file, ...rest } = block;
    if (file === undefined) return rest;
    const stored = [...world.files.values()].find(
      (s) => s.file.id === file.id || s.file.url_private === file.url,
    );
    return { ...rest, image_url: stored === undefined ? '' : fileAddress(stored.file.id) };
  }
  return block;
}

/** The library draws more than its types allow: languages, links in preformatted text. */
function isDrawable(block: object): block is DrawableBlock {
  return 'type' in block;
}

function drawableCell(cell: TableCell): object {
  return cell.type === 'raw_number' ? { type: 'raw_text', text: cell.text ?? String(cell.value) } : cell;
}

/** The URL of a file for the page, which has no token of Slack. */
export function fileAddress(fileId: string): string {
  return `/page/files/${fileId}`;
}

function hooksFor(world: World, viewerId: string): NonNullable<ComponentProps<typeof Message>['hooks']> {
  return {
    user: ({ id }: { id: string }) =>
      h(
        'span',
        { className: id === viewerId ? 'mention mention-me' : 'mention' },
        `@${world.users.get(id)?.name ?? id}`,
      ),
    channel: ({ id }: { id: string }) => {
      const channel = world.channels.get(id);
      return h('a', { className: 'mention', 'data-channel': id, href: '#' }, `#${channel?.name ?? id}`);
    },
    usergroup: ({ id }: { id: string }) =>
      h('span', { className: 'mention' }, `@${world.groups.get(id)?.handle ?? id}`),
    atChannel: () => h('span', { className: 'mention mention-me' }, '@channel'),
    atHere: () => h('span', { className: 'mention mention-me' }, '@here'),
    atEveryone: () => h('span', { className: 'mention mention-me' }, '@everyone'),
  };
}
