import { refusedAs, withRetries } from '../api/call-error.ts';
import type { DownloadFile } from '../api/files.ts';
import { type Place, readMessages, type Reply } from '../api/posted.ts';
import type { MessageClient } from '../messages/client.ts';
import { uploadFiles } from '../messages/upload-files.ts';

/** A message of a thread, as Slack has it now. */
export interface ThreadMessage {
  ts: string;
  /** As Slack sent them. */
  blocks: unknown;
  files: ThreadFile[];
}

export interface ThreadFile {
  id: string;
  name: string;
  mimetype: string;
  /** Bytes. */
  size: number;
  url: string | undefined;
  permalink: string;
  /** The alternative text of a picture. */
  alt: string;
  /** It was deleted, or Slack does not show it to the bot. */
  isGone: boolean;
}

export type Threads = ReturnType<typeof createThreads>;

/** Reads threads, and posts files into them. */
export function createThreads(client: MessageClient, download: DownloadFile) {
  const read = async (place: Place): Promise<Reply[]> =>
    await withRetries(async () => {
      const messages: Reply[] = [];
      for await (const message of readMessages(client.client, place, 0)) messages.push(message);
      return messages;
    });
  return {
    /** Oldest first. Rejects with the client's errors. */
    messages: async (place: Place): Promise<ThreadMessage[]> =>
      (await read(place)).flatMap(({ ts, blocks, files = [] }) =>
        ts === undefined ? [] : [{ ts, blocks, files: files.map(toFile) }],
      ),
    /** One message as Slack has it now; undefined if it is gone. Rejects with the client's errors. */
    message: async (place: Place, ts: string): Promise<unknown> => {
      const messages = await read(place).catch((error: unknown) => {
        // Slack refuses to read a thread whose first message was deleted.
        if (refusedAs(error) !== undefined) return [];
        throw error;
      });
      return messages.find((message) => message.ts === ts);
    },
    /** Rejects with `UserError` if the file cannot be read. */
    download: async ({ name, url }: ThreadFile, maxBytes: number) => await download(url, name, maxBytes),
    /**
     * Posts the file at `path` into a thread or into a user's direct messages. Returns why that failed, else undefined.
     */
    async attach(
      place: Place | { user: string },
      { path, filename }: { path: string; filename: string },
    ): Promise<string | undefined> {
      const where = 'user' in place ? { channel: await client.openDirect(place.user), thread: '' } : place;
      const file = { kind: 'file' as const, key: path, content: { path }, filename, snippet: false };
      const { failed } = await uploadFiles(client, where, [file]);
      return failed[0]?.reason;
    },
  };
}

type SlackFile = NonNullable<Reply['files']>[number];

function toFile(file: SlackFile): ThreadFile {
  const { id = '', name, mimetype = '', size = 0, mode, permalink = '', alt_txt: alt } = file;
  return {
    id,
    name: name ?? '',
    mimetype,
    size,
    url: file.url_private_download ?? file.url_private,
    permalink,
    alt: alt ?? name ?? '',
    isGone: mode === 'tombstone' || mode === 'hidden_by_limit' || mode === 'file_access',
  };
}
