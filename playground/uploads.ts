/** Uploads of files: announced, uploaded, completed, and shared some time later (slack.md §1.9). */
import { randomBytes } from 'node:crypto';
import { extname } from 'node:path';
import type { Changes } from './changes.ts';
import type { Conversation, Draft } from './conversation.ts';
import type { SlackFile, SlackMessage } from './messages.ts';
import type { Channel, User } from './people.ts';
import type { Timers } from './timers.ts';
import type { World } from './world.ts';

/** Larger snippets are refused (`snippet_too_large`). */
export const maxSnippetBytes = 1_000_000;

export interface Announcement {
  readonly fileId: string;
  readonly path: string;
  readonly name: string;
  readonly length: number;
  readonly snippetType: string | undefined;
  readonly altText: string | undefined;
  bytes: Buffer | undefined;
}

interface FileAbout {
  readonly name: string;
  readonly title?: string | undefined;
  readonly snippetType?: string | undefined;
  readonly altText?: string | undefined;
  readonly isPublic?: boolean;
}

/** extension → [mimetype, filetype, pretty_type] */
const knownTypes: Readonly<Record<string, readonly [string, string, string]>> = {
  '.png': ['image/png', 'png', 'PNG'],
  '.jpg': ['image/jpeg', 'jpg', 'JPEG'],
  '.jpeg': ['image/jpeg', 'jpg', 'JPEG'],
  '.gif': ['image/gif', 'gif', 'GIF'],
  '.svg': ['image/svg+xml', 'svg', 'SVG'],
  '.csv': ['text/csv', 'csv', 'CSV'],
  '.html': ['text/html', 'html', 'HTML'],
  '.json': ['application/json', 'json', 'JSON'],
  '.txt': ['text/plain', 'text', 'Plain Text'],
  '.log': ['text/plain', 'text', 'Plain Text'],
  '.py': ['text/plain', 'python', 'Python'],
  '.scala': ['text/plain', 'scala', 'Scala'],
  '.r': ['text/plain', 'r', 'R'],
  '.md': ['text/plain', 'markdown', 'Markdown'],
};

export class Uploads {
  /** The base of file URLs; set when the playground listens. */
  origin = '';
  readonly #world: World;
  readonly #conversation: Conversation;
  readonly #timers: Timers;
  readonly #changes: Changes;
  readonly #shareDelayMs: number;
  readonly #announced = new Map<string, Announcement>();
  #sharesToLose = 0;

  constructor(
    world: World,
    conversation: Conversation,
    timers: Timers,
    changes: Changes,
    shareDelayMs: number,
  ) {
    this.#world = world;
    this.#conversation = conversation;
    this.#timers = timers;
    this.#changes = changes;
    this.#shareDelayMs = shareDelayMs;
  }

  /** files.getUploadURLExternal: the file gets its id before any bytes arrive. */
  announce(about: {
    name: string;
    length: number;
    snippetType?: string | undefined;
    altText?: string | undefined;
  }): Announcement {
    const announcement: Announcement = {
      fileId: this.#world.nextId('F'),
      path: `/upload/v1/${randomBytes(12).toString('hex')}`,
      name: about.name,
      length: about.length,
      snippetType: about.snippetType,
      altText: about.altText,
      bytes: undefined,
    };
    this.#announced.set(announcement.fileId, announcement);
    return announcement;
  }

  announcedAt(path: string): Announcement | undefined {
    return [...this.#announced.values()].find((announcement) => announcement.path === path);
  }

  announced(fileId: string): Announcement | undefined {
    return this.#announced.get(fileId);
  }

  /** The next `count` completed uploads never appear in their channel, as happens at times. */
  loseShares(count = 1): void {
    this.#sharesToLose += count;
  }

  /** files.completeUploadExternal: the files exist now, their message appears later. */
  complete(
    uploads: readonly { announcement: Announcement; title?: string | undefined }[],
    share: { channel: Channel; draft: Draft } | undefined,
  ): SlackFile[] {
    const files = uploads.map(({ announcement, title }) => {
      this.#announced.delete(announcement.fileId);
      const about = { ...announcement, title, isPublic: share?.channel.kind === 'public' };
      return this.#keep(announcement.fileId, about, announcement.bytes ?? Buffer.alloc(0), this.#world.bot);
    });
    const isLost = this.#sharesToLose > 0;
    if (isLost) this.#sharesToLose -= 1;
    this.#timers.after(this.#shareDelayMs, () => {
      for (const { id } of files) {
        const stored = this.#world.files.get(id);
        if (stored !== undefined) stored.processed = true;
      }
      const left = files.filter((file) => this.#world.files.has(file.id));
      if (share !== undefined && !isLost && left.length > 0 && !share.channel.archived) {
        this.#conversation.post(share.channel, this.#world.bot, {
          ...share.draft,
          files: left,
          subtype: 'file_share',
        });
      }
      this.#changes.announce();
    });
    this.#changes.announce();
    return files;
  }

  /** A user's upload, whose message appears with the file at once. */
  shareOf(user: User, channel: Channel, about: FileAbout, bytes: Buffer, draft: Draft): SlackMessage {
    const file = this.#keep(
      this.#world.nextId('F'),
      { ...about, isPublic: channel.kind === 'public' },
      bytes,
      user,
    );
    const stored = this.#world.files.get(file.id);
    if (stored !== undefined) stored.processed = true;
    return this.#conversation.post(channel, user, { ...draft, files: [file], subtype: 'file_share' });
  }

  #keep(id: string, about: FileAbout, bytes: Buffer, user: User): SlackFile {
    const [mimetype, filetype, pretty] = knownTypes[extname(about.name).toLowerCase()] ?? [
      'application/octet-stream',
      'binary',
      'Binary',
    ];
    const isSnippet = about.snippetType !== undefined;
    const address = `${this.origin}/files-pri/${this.#world.teamId}-${id}`;
    const file: SlackFile = {
      id,
      created: this.#world.nowS(),
      name: about.name,
      title: about.title ?? about.name,
      mimetype: isSnippet ? 'text/plain' : mimetype,
      filetype: about.snippetType ?? filetype,
      pretty_type: pretty,
      user: user.id,
      user_team: user.teamId,
      mode: isSnippet ? 'snippet' : 'hosted',
      editable: isSnippet,
      size: bytes.length,
      url_private: `${address}/${encodeURIComponent(about.name)}`,
      url_private_download: `${address}/download/${encodeURIComponent(about.name)}`,
      permalink: `https://${this.#world.domain}.slack.com/files/${user.id}/${id}/${encodeURIComponent(about.name)}`,
      is_external: false,
      is_public: about.isPublic ?? false,
      ...(isSnippet ? { preview: bytes.toString('utf8').split('\n').slice(0, 5).join('\n') } : {}),
      ...(about.altText === undefined ? {} : { alt_txt: about.altText }),
      channels: [],
      groups: [],
      ims: [],
    };
    this.#world.files.set(id, { file, bytes, processed: false });
    return file;
  }
}
