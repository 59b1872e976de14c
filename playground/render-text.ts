/** A thread as plain text, for the terminal and the messages of failing tests. */
import type { ActionsElement } from './block-elements.ts';
import type { Block, TableCell } from './blocks-schema.ts';
import type { Ephemeral, FileTombstone, SlackFile, SlackMessage } from './messages.ts';
import { mrkdwnAsText } from './mrkdwn-text.ts';
import type { Playground } from './playground.ts';
import { joinInline, type RichText, type RichTextInline, type RichTextPart } from './rich-text.ts';
import { sizeText } from './size-text.ts';
import type { World } from './world.ts';

export interface RenderOptions {
  /** Also shows this user's ephemeral messages in the thread. */
  readonly viewer?: string;
}

const codeMark = '│ ';

/** Parent and replies of a thread, each with its author; code behind `│`, buttons as `[Stop]`. */
export function renderThreadAsText(
  playground: Playground,
  channel: string,
  ts: string,
  options: RenderOptions = {},
): string {
  const { world } = playground.service;
  const place = playground.channel(channel);
  const [parent, ...replies] = playground.thread(place.id, ts);
  if (parent === undefined) return `${placeName(world, place.id)}: no message ${ts}`;
  const whispers =
    options.viewer === undefined
      ? []
      : playground
          .ephemerals(options.viewer)
          .filter((ephemeral) => ephemeral.channel === place.id && ephemeral.thread_ts === ts);
  const later = [...replies, ...whispers].toSorted((a, b) => a.ts.localeCompare(b.ts));
  return [
    placeName(world, place.id),
    '',
    ...renderMessage(world, parent),
    ...later.flatMap((reply) => ['', ...renderMessage(world, reply).map((line) => indented(line, '    '))]),
  ].join('\n');
}

/** One message: a line with the author, then its content indented by two. */
export function renderMessage(world: World, message: SlackMessage | Ephemeral): string[] {
  const isMessage = 'type' in message;
  const author = isMessage ? world.users.get(message.user) : world.userOfBot(message.bot_id ?? '');
  const marks = [
    author?.role === 'bot' ? 'APP' : '',
    isMessage && message.edited !== undefined ? '(edited)' : '',
    isMessage ? '' : '(only visible to you)',
  ].filter((mark) => mark !== '');
  const body = [
    ...renderBody(world, message),
    ...(isMessage ? (message.files ?? []).map(renderFile) : []),
    ...(isMessage && message.reactions !== undefined && message.reactions.length > 0
      ? [message.reactions.map((reaction) => `:${reaction.name}: ${reaction.count}`).join('  ')]
      : []),
  ];
  return [[author?.name ?? 'slackbot', ...marks].join('  '), ...body.map((line) => indented(line, '  '))];
}

/** Blocks if there are any, because Slack shows `text` only without them. */
function renderBody(world: World, message: Pick<SlackMessage, 'text' | 'blocks'>): string[] {
  if (message.blocks === undefined || message.blocks.length === 0) {
    return message.text === '' ? [] : mrkdwnAsText(message.text, world).split('\n');
  }
  return message.blocks.flatMap((block) => renderBlock(world, block));
}

function renderBlock(world: World, block: Block): string[] {
  switch (block.type) {
    case 'rich_text':
      return renderRichText(world, block);
    case 'section':
      return [
        ...[...(block.text === undefined ? [] : [block.text]), ...(block.fields ?? [])].flatMap((text) =>
          renderTextObject(world, text),
        ),
        ...(block.accessory === undefined || block.accessory.type === 'image'
          ? []
          : [renderElement(block.accessory)]),
      ];
    case 'header':
      return [`# ${block.text.text}`];
    case 'divider':
      return ['────'];
    case 'context':
      return [
        block.elements
          .map((element) =>
            element.type === 'image'
              ? `[image: ${element.alt_text}]`
              : renderTextObject(world, element).join(' '),
          )
          .join('  '),
      ];
    case 'actions':
    case 'context_actions':
      return [block.elements.map(renderElement).join(' ')];
    case 'image':
      return [`[image: ${block.title?.text ?? block.alt_text}]`];
    case 'input':
      return [`${block.label.text}: ____`];
    case 'markdown':
      return block.text.split('\n');
    case 'alert':
      return renderTextObject(world, block.text);
    case 'data_table':
      return [block.caption, ...renderTable(world, block.rows)];
    case 'table':
      return renderTable(world, block.rows);
  }
}

function renderTextObject(world: World, text: { type: string; text: string }): string[] {
  return (text.type === 'mrkdwn' ? mrkdwnAsText(text.text, world) : text.text).split('\n');
}

function renderElement(element: ActionsElement): string {
  if (element.type === 'button') return `[${element.text.text}]`;
  if ('placeholder' in element && element.placeholder !== undefined) return `[${element.placeholder.text} ▾]`;
  return `[${element.type} ▾]`;
}

function renderRichText(world: World, block: RichText): string[] {
  return block.elements.flatMap((part) => renderPart(world, part));
}

function renderPart(world: World, part: RichTextPart): string[] {
  if (part.type === 'rich_text_list') {
    return part.elements.map((item, index) => {
      const mark = part.style === 'ordered' ? `${index + 1}.` : '•';
      return `${'  '.repeat(part.indent ?? 0)}${mark} ${inlineText(world, item.elements)}`;
    });
  }
  const lines = inlineText(world, part.elements).split('\n');
  if (part.type === 'rich_text_section') return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
  return lines.map((line) => `${part.type === 'rich_text_quote' ? '> ' : codeMark}${line}`);
}

function inlineText(world: World, elements: readonly RichTextInline[]): string {
  return joinInline(elements, (element) => inlineElement(world, element));
}

function inlineElement(world: World, element: RichTextInline): string {
  switch (element.type) {
    case 'text':
      return element.text;
    case 'link':
      return element.text === undefined || element.url.endsWith(element.text)
        ? (element.text ?? element.url)
        : `${element.text} (${element.url})`;
    case 'user':
      return `@${world.users.get(element.user_id)?.name ?? element.user_id}`;
    case 'usergroup':
      return `@${world.groups.get(element.usergroup_id)?.handle ?? element.usergroup_id}`;
    case 'channel':
      return placeName(world, element.channel_id);
    case 'broadcast':
      return `@${element.range}`;
    case 'emoji':
      return `:${element.name}:`;
    case 'color':
      return element.value;
    case 'team':
      return element.team_id;
    case 'date':
      return element.fallback ?? new Date(element.timestamp * 1000).toISOString();
  }
}

function renderTable(world: World, rows: readonly (readonly TableCell[])[]): string[] {
  const texts = rows.map((row) => row.map((cell) => cellText(world, cell)));
  const widths = (texts[0] ?? []).map((_, column) =>
    Math.max(...texts.map((row) => (row[column] ?? '').length)),
  );
  return texts.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function cellText(world: World, cell: TableCell): string {
  if (cell.type === 'raw_text') return cell.text;
  if (cell.type === 'raw_number') return cell.text ?? String(cell.value);
  return renderRichText(world, cell).join(' ');
}

function renderFile(file: SlackFile | FileTombstone): string {
  if (file.mode === 'tombstone') return '[this file was deleted]';
  const kind = file.mimetype.startsWith('image/') ? 'image' : file.mode === 'snippet' ? 'snippet' : 'file';
  return `[${kind}: ${file.title}, ${sizeText(file.size)}]`;
}

function placeName(world: World, channelId: string): string {
  const channel = world.channels.get(channelId);
  if (channel === undefined) return '#unknown';
  if (channel.kind !== 'im') return `#${channel.name}`;
  return `direct message of ${[...channel.members].map((id) => world.users.get(id)?.name ?? id).join(' and ')}`;
}

function indented(line: string, by: string): string {
  return line === '' ? '' : `${by}${line}`;
}
