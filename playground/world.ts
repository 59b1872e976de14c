/** The state of the workspace: people, channels, messages, files, views. It sends nothing. */
import { Timeline, type Ephemeral, type SlackFile } from './messages.ts';
import type { Channel, ChannelKind, Role, User, UserGroup } from './people.ts';
import type { Settings } from './settings.ts';
import type { View } from './views.ts';

export interface StoredFile {
  readonly file: SlackFile;
  readonly bytes: Buffer;
  /** Whether Slack has processed it, so that blocks may show it. */
  processed: boolean;
}

const strangersTeamId = 'T00ABROAD';

export class World {
  readonly teamId: string;
  readonly teamName: string;
  readonly domain: string;
  readonly appId = 'A0PLAYGRND';
  readonly bot: User;
  readonly users = new Map<string, User>();
  readonly channels = new Map<string, Channel>();
  readonly groups = new Map<string, UserGroup>();
  readonly files = new Map<string, StoredFile>();
  readonly views = new Map<string, View>();
  readonly ephemerals: Ephemeral[] = [];
  readonly #timelines = new Map<string, Timeline>();
  readonly #now: () => number;
  #lastMicros = 0;
  #ids = 0;

  constructor({ workspace, botName, now }: Pick<Settings, 'workspace' | 'botName' | 'now'>) {
    this.#now = now;
    this.teamId = workspace.id ?? 'T000HOME0';
    this.teamName = workspace.name ?? 'Home';
    this.domain = workspace.domain ?? 'home';
    this.addUser('ana', { role: 'admin', realName: 'Ana Alvarez' });
    this.addUser('ben', { role: 'member', realName: 'Ben Brown' });
    this.addUser('gus', { role: 'guest', realName: 'Gus Green' });
    this.addUser('oli', { role: 'owner', realName: 'Oli Olsen' });
    this.addUser('ext', { role: 'external', realName: 'Ext Evans' });
    this.addUser('deploybot', { role: 'bot', realName: 'Deploy Bot' });
    this.bot = this.addUser(botName, { role: 'bot', realName: 'Sparkthread', appId: this.appId });
    const people = ['ana', 'ben', 'gus', 'oli', 'deploybot'];
    this.addChannel('general', { members: [...people, botName] });
    this.addChannel('data', { members: [...people, botName] });
    this.addChannel('secret', { kind: 'private', members: ['ana', 'ben', botName] });
    this.addChannel('attic', { members: [...people, botName] }).archived = true;
    this.addChannel('elsewhere', { members: people });
    this.addGroup('data-eng', ['ben']);
    this.addChannel('partners', { members: [...people, 'ext', botName], shared: true });
  }

  /** A new id in Slack's form: a letter, then upper-case letters and digits. */
  nextId(letter: string): string {
    this.#ids += 1;
    return `${letter}0${this.#ids.toString(36).toUpperCase().padStart(8, '0')}`;
  }

  /** A new ts, later than all before: seconds with six digits, as text. */
  nextTs(): string {
    this.#lastMicros = Math.max(this.#lastMicros + 1, Math.floor(this.#now() * 1000));
    return `${Math.floor(this.#lastMicros / 1e6)}.${String(this.#lastMicros % 1e6).padStart(6, '0')}`;
  }

  nowS(): number {
    return Math.floor(this.#now() / 1000);
  }

  addUser(
    name: string,
    about: { role?: Role; realName?: string; appId?: string; teamId?: string } = {},
  ): User {
    const role = about.role ?? 'member';
    const user: User = {
      id: `U0${name
        .toUpperCase()
        .replaceAll(/[^A-Z0-9]/g, '')
        .padStart(7, '0')}`,
      name,
      realName: about.realName ?? name,
      teamId: about.teamId ?? (role === 'external' ? strangersTeamId : this.teamId),
      role,
      deleted: false,
      ...(role === 'bot' ? { botId: this.nextId('B'), appId: about.appId ?? this.nextId('A') } : {}),
    };
    this.users.set(user.id, user);
    return user;
  }

  addChannel(
    name: string,
    about: { kind?: ChannelKind; members?: readonly string[]; shared?: boolean } = {},
  ): Channel {
    const kind = about.kind ?? 'public';
    const id = this.nextId(kind === 'im' ? 'D' : 'C');
    const channel: Channel = {
      id,
      name: kind === 'im' ? id : name,
      kind,
      members: new Set((about.members ?? []).map((member) => this.user(member).id)),
      archived: false,
      shared: about.shared ?? false,
      createdS: this.nowS(),
    };
    this.channels.set(id, channel);
    return channel;
  }

  addGroup(handle: string, members: readonly string[]): UserGroup {
    const group = {
      id: this.nextId('S'),
      handle,
      members: new Set(members.map((member) => this.user(member).id)),
    };
    this.groups.set(group.id, group);
    return group;
  }

  /** By id or name; throws when there is none. */
  user(reference: string): User {
    const user = this.findUser(reference);
    if (user === undefined) throw new Error(`no user ${reference} in the playground`);
    return user;
  }

  findUser(reference: string): User | undefined {
    return this.users.get(reference) ?? [...this.users.values()].find((user) => user.name === reference);
  }

  userOfBot(botId: string): User | undefined {
    return [...this.users.values()].find((user) => user.botId === botId);
  }

  /** By id, `#name` or `name`; throws when there is none. */
  channel(reference: string): Channel {
    const channel = this.findChannel(reference);
    if (channel === undefined) throw new Error(`no channel ${reference} in the playground`);
    return channel;
  }

  findChannel(reference: string): Channel | undefined {
    const name = reference.replace(/^#/, '');
    return (
      this.channels.get(reference) ?? [...this.channels.values()].find((channel) => channel.name === name)
    );
  }

  /** The direct message channel of these two, which is opened if need be. */
  direct(one: string, other: string): Channel {
    const open = [...this.channels.values()].find(
      (channel) => channel.kind === 'im' && channel.members.has(one) && channel.members.has(other),
    );
    return open ?? this.addChannel('', { kind: 'im', members: [one, other] });
  }

  /** Gives a channel another id; it keeps its name, members and messages. */
  renumber(channel: Channel): Channel {
    const moved = { ...channel, id: this.nextId('C') };
    this.channels.delete(channel.id);
    this.channels.set(moved.id, moved);
    const timeline = this.timeline(channel.id);
    this.#timelines.delete(channel.id);
    this.#timelines.set(moved.id, timeline);
    for (const message of timeline.all) message.channel = moved.id;
    return moved;
  }

  timeline(channelId: string): Timeline {
    let timeline = this.#timelines.get(channelId);
    if (timeline === undefined) {
      timeline = new Timeline();
      this.#timelines.set(channelId, timeline);
    }
    return timeline;
  }
}
