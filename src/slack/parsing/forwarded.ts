import { z } from 'zod';
import type { MessageSource } from './message-body.ts';

const messageSchema = z.object({ blocks: z.unknown() });
const attachmentSchema = z.object({
  is_share: z.boolean().optional(),
  is_msg_unfurl: z.boolean().optional(),
  from_url: z.string().optional(),
  original_url: z.string().optional(),
  text: z.string().optional(),
  message_blocks: z.array(z.object({ message: messageSchema })).optional(),
  files: z.array(z.unknown()).optional(),
});

/**
 * What was forwarded with a message: attachments that Slack marks as shared by their author. The preview of a link has
 * no such mark (`is_msg_unfurl` alone). `withOwn`: also what an app wrote into attachments of its own message, for the
 * shortcut on such a message.
 */
export function readForwarded(
  attachments: readonly unknown[],
  { withOwn }: { withOwn: boolean },
): { messages: MessageSource[]; files: unknown[] } {
  const counted = attachments.flatMap((entry) => {
    const read = attachmentSchema.safeParse(entry).data;
    if (read === undefined) return [];
    const isPreview =
      read.is_msg_unfurl === true || read.from_url !== undefined || read.original_url !== undefined;
    return read.is_share === true || (withOwn && !isPreview) ? [read] : [];
  });
  return {
    messages: counted.flatMap(({ text, message_blocks: blocks }): MessageSource[] =>
      blocks === undefined || blocks.length === 0
        ? [{ text }]
        : blocks.map(({ message }) => ({ text, blocks: message.blocks })),
    ),
    files: counted.flatMap(({ files = [] }) => files),
  };
}
