/** chat.* */
import { z } from 'zod';
import { type SlackMessage, presentMessage } from '../messages.ts';
import type { Channel } from '../people.ts';
import type { Service } from '../service.ts';
import type { World } from '../world.ts';
import {
  flag,
  joinedChannel,
  json,
  messageBlocks,
  method,
  Refusal,
  text,
  visibleChannel,
  type Methods,
} from './method.ts';

/** Bytes of UTF-8. */
const maxUpdateText = 4000;
const maxMarkdown = 12_000;

const content = {
  text: text.optional(),
  blocks: json(z.array(z.unknown())).optional(),
  attachments: json(z.array(z.unknown())).optional(),
  metadata: json(
    z.object({ event_type: z.string().min(1).max(255), event_payload: z.record(z.string(), z.unknown()) }),
  ).optional(),
  link_names: flag.optional(),
  parse: text.optional(),
};

export const chatMethods: Methods = {
  'chat.postMessage': method({
    scopes: ['chat:write'],
    takesJson: true,
    args: {
      channel: text,
      ...content,
      markdown_text: text.optional(),
      mrkdwn: flag.optional(),
      thread_ts: text.optional(),
      reply_broadcast: flag.optional(),
      unfurl_links: flag.optional(),
      unfurl_media: flag.optional(),
    },
    run(service, args) {
      const channel = postable(service, args.channel);
      if (args.markdown_text !== undefined && (args.text !== undefined || args.blocks !== undefined)) {
        throw new Refusal('markdown_text_conflict');
      }
      if ((args.markdown_text?.length ?? 0) > maxMarkdown) throw new Refusal('msg_too_long');
      const body = args.text ?? args.markdown_text ?? '';
      const blocks = args.blocks === undefined ? undefined : messageBlocks(service, args.blocks);
      if (body === '' && (blocks?.length ?? 0) === 0 && (args.attachments?.length ?? 0) === 0)
        throw new Refusal('no_text');
      const message = service.conversation.post(channel, service.world.bot, {
        text: body,
        blocks,
        attachments: args.attachments,
        threadTs: thread(service, channel, args.thread_ts),
        broadcast: args.reply_broadcast,
        metadata: args.metadata,
      });
      return { channel: channel.id, ts: message.ts, message: shown(service, message) };
    },
  }),

  'chat.update': method({
    scopes: ['chat:write'],
    takesJson: true,
    args: {
      channel: text,
      ts: text,
      ...content,
      reply_broadcast: flag.optional(),
      file_ids: json(z.array(z.string())).optional(),
    },
    run(service, args) {
      const { world } = service;
      const channel = joinedChannel(service, args.channel);
      const message = world.timeline(channel.id).find(args.ts);
      if (message === undefined || message.subtype === 'tombstone') throw new Refusal('message_not_found');
      if (message.user !== world.bot.id) throw new Refusal('cant_update_message');
      if (channel.archived) throw new Refusal('is_inactive');
      if (Buffer.byteLength(args.text ?? '') > maxUpdateText) throw new Refusal('msg_too_long');
      if (args.text === undefined && args.blocks === undefined && args.attachments === undefined)
        throw new Refusal('no_text');
      const given = args.blocks === undefined ? undefined : messageBlocks(service, args.blocks);
      // Text alone removes the old blocks; blocks alone leave the old text.
      const blocks = given ?? (args.text === undefined ? message.blocks : undefined);
      const body = args.text ?? message.text;
      if (body === '' && (blocks?.length ?? 0) === 0) throw new Refusal('no_text');
      if (given !== undefined && given.length > 0 && isRich(message.blocks) && !isRich(given)) {
        throw new Refusal('block_mismatch');
      }
      const attachments = args.attachments ?? (args.text === undefined ? message.attachments : undefined);
      service.conversation.edit(message, world.bot, {
        text: body,
        blocks,
        attachments,
        metadata: args.metadata,
        files:
          args.file_ids === undefined
            ? undefined
            : message.files?.filter((f) => args.file_ids?.includes(f.id)),
      });
      return { channel: channel.id, ts: message.ts, text: message.text, message: shown(service, message) };
    },
  }),

  'chat.delete': method({
    scopes: ['chat:write'],
    takesJson: true,
    args: { channel: text, ts: text },
    run(service, args) {
      const channel = visibleChannel(service, args.channel);
      const message = service.world.timeline(channel.id).find(args.ts);
      if (message === undefined || message.subtype === 'tombstone') throw new Refusal('message_not_found');
      if (message.user !== service.world.bot.id) throw new Refusal('cant_delete_message');
      service.conversation.remove(message);
      return { channel: channel.id, ts: args.ts };
    },
  }),

  'chat.postEphemeral': method({
    scopes: ['chat:write'],
    takesJson: true,
    args: { channel: text, user: text, ...content, thread_ts: text.optional() },
    run(service, args) {
      const channel = postable(service, args.channel);
      if (!channel.members.has(args.user)) throw new Refusal('user_not_in_channel');
      const blocks = args.blocks === undefined ? undefined : messageBlocks(service, args.blocks);
      const body = args.text ?? '';
      if (body === '' && (blocks?.length ?? 0) === 0) throw new Refusal('no_text');
      const threadTs = thread(service, channel, args.thread_ts);
      const { botId } = service.world.bot;
      const whispered = service.conversation.whisper({
        user: args.user,
        channel: channel.id,
        text: body,
        ...(blocks === undefined ? {} : { blocks }),
        ...(threadTs === undefined ? {} : { thread_ts: threadTs }),
        ...(botId === undefined ? {} : { bot_id: botId }),
      });
      return { message_ts: whispered.ts };
    },
  }),

  'chat.getPermalink': method({
    args: { channel: text, message_ts: text },
    run(service, args) {
      const channel = visibleChannel(service, args.channel);
      const message = service.world.timeline(channel.id).find(args.message_ts);
      if (message === undefined) throw new Refusal('message_not_found');
      return { channel: channel.id, permalink: permalink(service, message) };
    },
  }),
};

function permalink(service: Service, message: SlackMessage): string {
  const address = `https://${service.world.domain}.slack.com/archives/${message.channel}/p${message.ts.replace('.', '')}`;
  if (message.thread_ts === undefined) return address;
  return `${address}?thread_ts=${message.thread_ts}&cid=${message.channel}`;
}

/** The channel to post to: by id, by name, which chat.postMessage still takes, or by user id for direct messages. */
function postable(service: Service, reference: string): Channel {
  const { world } = service;
  const named = reference.startsWith('#') ? world.findChannel(reference)?.id : directWith(world, reference);
  const channel = visibleChannel(service, named ?? reference);
  if (channel.archived) throw new Refusal('is_archived');
  if (
    !channel.members.has(service.world.bot.id) &&
    !(channel.kind === 'public' && service.settings.scopes.includes('chat:write.public'))
  ) {
    throw new Refusal('not_in_channel');
  }
  return channel;
}

function directWith(world: World, reference: string): string | undefined {
  return world.users.has(reference) ? world.direct(world.bot.id, reference).id : undefined;
}

/** Checks that `ts` is a parent. Slack's error for an unknown parent is undocumented; here it is thread_not_found. */
export function thread(service: Service, channel: Channel, ts: string | undefined): string | undefined {
  if (ts === undefined) return undefined;
  const parent = service.world.timeline(channel.id).find(ts);
  if (parent === undefined) throw new Refusal('thread_not_found');
  if (parent.thread_ts !== undefined) throw new Refusal('cannot_reply_to_message');
  return ts;
}

function isRich(blocks: SlackMessage['blocks']): boolean {
  return blocks?.some((block) => block.type === 'rich_text') ?? false;
}

function shown(service: Service, message: SlackMessage): Record<string, unknown> {
  return presentMessage(service.world.timeline(message.channel), message);
}
