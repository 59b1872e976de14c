/** files.*: the three steps of an upload, looking and deleting. */
import { z } from 'zod';
import { maxSnippetBytes } from '../uploads.ts';
import { thread } from './chat.ts';
import { count, joinedChannel, json, messageBlocks, method, Refusal, text, type Methods } from './method.ts';

/** With one more file in a message, Slack fails (python-slack-sdk#1653). */
const maxFilesOfMessage = 14;
const fileList = z.array(z.object({ id: z.string(), title: z.string().optional() })).min(1);

export const fileMethods: Methods = {
  'files.getUploadURLExternal': method({
    scopes: ['files:write'],
    args: {
      filename: text,
      length: count,
      snippet_type: text.optional(),
      alt_txt: text.optional(),
    },
    run(service, args) {
      if (args.filename === '' || args.length < 1) {
        throw new Refusal('missing_argument', {
          response_metadata: { messages: ['[ERROR] missing required field: length'] },
        });
      }
      if (args.snippet_type !== undefined && args.length > maxSnippetBytes)
        throw new Refusal('snippet_too_large');
      const altText = args.alt_txt;
      if ((altText?.length ?? 0) > 1000) throw new Refusal('alt_txt_too_large');
      const announcement = service.uploads.announce({
        name: args.filename,
        length: args.length,
        snippetType: args.snippet_type,
        altText,
      });
      return { upload_url: `${service.origin}${announcement.path}`, file_id: announcement.fileId };
    },
  }),

  'files.completeUploadExternal': method({
    scopes: ['files:write'],
    takesJson: true,
    args: {
      files: json(fileList),
      channel_id: text.optional(),
      channels: text.optional(),
      thread_ts: text.optional(),
      initial_comment: text.optional(),
      blocks: json(z.array(z.unknown())).optional(),
    },
    run(service, args) {
      if (args.files.length > maxFilesOfMessage) throw new Refusal('internal_error');
      const uploads = args.files.map(({ id, title }) => {
        const announcement = service.uploads.announced(id);
        if (announcement?.bytes === undefined) throw new Refusal('file_not_found');
        return { announcement, title };
      });
      if (args.channel_id === undefined)
        return { files: service.uploads.complete(uploads, undefined).map(brief) };
      const channel = joinedChannel(service, args.channel_id);
      if (channel.archived) throw new Refusal('is_archived');
      const threadTs = thread(service, channel, args.thread_ts);
      const blocks = args.blocks === undefined ? undefined : messageBlocks(service, args.blocks);
      const draft = { text: args.initial_comment ?? '', blocks, threadTs };
      return { files: service.uploads.complete(uploads, { channel, draft }).map(brief) };
    },
  }),

  'files.info': method({
    scopes: ['files:read'],
    args: {
      file: text,
      cursor: text.optional(),
      limit: count.optional(),
      page: count.optional(),
      count: count.optional(),
    },
    run(service, args) {
      const stored = service.world.files.get(args.file);
      if (stored === undefined) throw new Refusal('file_not_found');
      return {
        file: structuredClone(stored.file),
        comments: [],
        response_metadata: { next_cursor: '' },
        ...(stored.file.mode === 'snippet' ? { content: stored.bytes.toString('utf8') } : {}),
      };
    },
  }),

  'files.delete': method({
    scopes: ['files:write'],
    takesJson: true,
    args: { file: text },
    run(service, args) {
      const stored = service.world.files.get(args.file);
      if (stored === undefined) throw new Refusal('file_not_found');
      if (stored.file.user !== service.world.bot.id) throw new Refusal('cant_delete_file');
      service.world.files.delete(args.file);
      service.conversation.buryFile(args.file);
      return {};
    },
  }),
};

function brief(file: { id: string; title: string }): { id: string; title: string } {
  return { id: file.id, title: file.title };
}
