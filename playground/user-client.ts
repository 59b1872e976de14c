/** What a person does in Slack's client, as the client sends it. */
import { compose, curled, escapeText, type Composed } from './composer.ts';
import type { Delivery } from './deliveries.ts';
import { type Ephemeral, type SlackMessage, presentMessage } from './messages.ts';
import { channelNameInPayloads, type Channel, type User } from './people.ts';
import { actionOf, findPressable } from './presses.ts';
import type { ResponsePlace } from './response-urls.ts';
import type { Service } from './service.ts';
import { submissionAck } from './submissions.ts';
import { isEmptyState, presentView, typedState, type View } from './views.ts';

export interface PostOptions {
  /** The ts of the parent. */
  readonly thread?: string;
  readonly broadcast?: boolean;
  readonly phoneKeyboard?: boolean;
  readonly fenceLanguage?: 'firstLine' | 'property';
}

export interface UploadedFile {
  readonly name: string;
  readonly content: string | Buffer;
  /** Makes it a snippet of this type: `python`, `text`. */
  readonly snippet?: string;
}

/** The result of a command, a press or a shortcut, as the person sees it. */
export interface Reaction {
  /** Acknowledged in time. */
  readonly ok: boolean;
  /** Slack's error otherwise: `operation_timeout`, or `dispatch_failed` if the app is not connected. */
  readonly error?: 'operation_timeout' | 'dispatch_failed';
  /** Milliseconds until the acknowledgement. */
  readonly ackAfterMs?: number;
  /** The text of the acknowledgement, which the person sees. */
  readonly text?: string;
  readonly triggerId: string;
}

export interface SubmitReaction extends Reaction {
  /** Errors of the app, or of the client itself, by block_id. */
  readonly errors?: Readonly<Record<string, string>>;
}

export class UserClient {
  readonly user: User;
  readonly #service: Service;

  constructor(service: Service, user: User) {
    this.#service = service;
    this.user = user;
  }

  /** Writes in the composer: mentions (`@sparkthread`), fences, inline code, links. `channel` `@name` is a direct message. */
  post(channel: string, typed: string, options: PostOptions = {}): SlackMessage {
    const place = this.#writable(channel);
    const composed = this.#composed(typed, options);
    const message = this.#service.conversation.post(place, this.user, {
      ...composed,
      blocks: this.#numbered(composed),
      threadTs: options.thread,
      broadcast: options.broadcast,
    });
    if (composed.text.includes(`<@${this.#service.world.bot.id}>`)) this.#inviteHint(place);
    return message;
  }

  /** Posts `text` as it is, without blocks, like API clients and old messages. */
  postText(channel: string, text: string, options: { thread?: string; subtype?: string } = {}): SlackMessage {
    return this.#service.conversation.post(this.#writable(channel), this.user, {
      text,
      threadTs: options.thread,
      subtype: options.subtype,
    });
  }

  /** Posts exactly these blocks and this text, for fixtures. */
  postBlocks(channel: string, composed: Composed, options: { thread?: string } = {}): SlackMessage {
    return this.#service.conversation.post(this.#writable(channel), this.user, {
      text: composed.text,
      blocks: this.#numbered(composed),
      threadTs: options.thread,
    });
  }

  edit(message: SlackMessage, typed: string, options: Omit<PostOptions, 'thread'> = {}): SlackMessage {
    this.#mustBeMine(message);
    const composed = this.#composed(typed, options);
    this.#service.conversation.edit(message, this.user, { ...composed, blocks: this.#numbered(composed) });
    return message;
  }

  delete(message: SlackMessage): void {
    this.#mustBeMine(message);
    this.#service.conversation.remove(message);
  }

  upload(channel: string, file: UploadedFile, typed = '', options: PostOptions = {}): SlackMessage {
    const place = this.#writable(channel);
    const composed = this.#composed(typed, options);
    const about = { name: file.name, snippetType: file.snippet };
    const bytes = Buffer.isBuffer(file.content) ? file.content : Buffer.from(file.content);
    return this.#service.uploads.shareOf(this.user, place, about, bytes, {
      text: composed.text,
      ...(composed.blocks.length === 0 ? {} : { blocks: this.#numbered(composed) }),
      threadTs: options.thread,
    });
  }

  /** Types a slash command, which works where the app is no member, but not in threads. */
  async slash(channel: string, typed: string, options: { phoneKeyboard?: boolean } = {}): Promise<Reaction> {
    const { settings, world } = this.#service;
    const place = this.#readable(channel);
    const line = options.phoneKeyboard === true ? curled(typed) : typed;
    const command = /^\/\S+/.exec(line)?.[0] ?? '';
    if (!settings.commands.includes(command)) throw new Error(`${command} is not a valid command.`);
    const triggerId = this.#service.triggers.issue(this.user.id);
    const where = { userId: this.user.id, channelId: place.id };
    const delivery = await this.#service.deliveries.once('slash_commands', command, {
      token: 'playground',
      team_id: this.user.teamId,
      team_domain: world.domain,
      channel_id: place.id,
      channel_name: channelNameInPayloads(place),
      user_id: this.user.id,
      user_name: this.user.name,
      command,
      text: line.slice(command.length).trim(),
      api_app_id: world.appId,
      is_enterprise_install: 'false',
      response_url: this.#responseUrl(where),
      trigger_id: triggerId,
    });
    if (delivery.state === 'acked' && hasContent(delivery.ackPayload)) {
      const { status, body } = this.#service.responses.respond(where, delivery.ackPayload);
      if (status !== 200) throw new Error(`the acknowledgement is refused: ${JSON.stringify(body)}`);
    }
    return this.#reaction(delivery, triggerId, place.id);
  }

  /** Presses a button or picks `choice` (a value) in a select of a message or an ephemeral one. */
  async press(message: SlackMessage | Ephemeral, actionId: string, choice?: string): Promise<Reaction> {
    const { world } = this.#service;
    const { block, element } = findPressable(message.blocks ?? [], actionId);
    const channel = this.#readable(message.channel);
    const isMessage = 'type' in message;
    const place: ResponsePlace = {
      userId: this.user.id,
      channelId: channel.id,
      threadTs: message.thread_ts,
      ...(isMessage ? { message } : { ephemeral: message }),
    };
    const triggerId = this.#service.triggers.issue(this.user.id);
    const delivery = await this.#service.deliveries.once('interactive', 'block_actions', {
      ...this.#interaction('block_actions', triggerId),
      container: {
        type: 'message',
        message_ts: message.ts,
        channel_id: channel.id,
        is_ephemeral: !isMessage,
        ...(message.thread_ts === undefined ? {} : { thread_ts: message.thread_ts }),
      },
      channel: { id: channel.id, name: channelNameInPayloads(channel) },
      ...(isMessage ? { message: presentMessage(world.timeline(channel.id), message) } : {}),
      state: { values: {} },
      response_url: this.#responseUrl(place),
      actions: [actionOf(block, element, choice, world.nextTs())],
    });
    return this.#reaction(delivery, triggerId, channel.id);
  }

  /** Presses a button in a modal or the home tab. */
  async pressInView(view: View, actionId: string, choice?: string): Promise<Reaction> {
    const { block, element } = findPressable(view.draft.blocks, actionId);
    const triggerId = this.#service.triggers.issue(this.user.id, view.id);
    const delivery = await this.#service.deliveries.once('interactive', 'block_actions', {
      ...this.#interaction('block_actions', triggerId),
      container: { type: 'view', view_id: view.id },
      view: this.#presented(view),
      actions: [actionOf(block, element, choice, this.#service.world.nextTs())],
    });
    return this.#reaction(delivery, triggerId);
  }

  /**
   * Submits a modal with the typed texts, by action_id or block_id. What the client itself refuses (an empty required
   * input, a text that is too long) never reaches the app.
   */
  async submit(
    view: View,
    typed: Readonly<Record<string, string | readonly string[]>> = {},
  ): Promise<SubmitReaction> {
    const triggerId = this.#service.triggers.issue(this.user.id, view.id);
    const errors = this.#fill(view, typed);
    if (Object.keys(errors).length > 0) {
      this.#service.modals.refuse(view, errors);
      return { ok: false, errors, triggerId };
    }
    const delivery = await this.#service.deliveries.once('interactive', 'view_submission', {
      ...this.#interaction('view_submission', triggerId),
      view: this.#presented(view),
      response_urls: [],
    });
    const reaction = this.#reaction(delivery, triggerId);
    if (!reaction.ok) return reaction;
    const refused = submissionAck(this.#service, view, delivery.ackPayload);
    return refused === undefined ? reaction : { ...reaction, ok: false, errors: refused };
  }

  /** Closes a modal by its cross; the app is told if it asked for that (`notify_on_close`). */
  async close(view: View): Promise<void> {
    this.#service.modals.close(view);
    if (view.draft.notify_on_close !== true) return;
    await this.#service.deliveries.once('interactive', 'view_closed', {
      ...this.#interaction('view_closed', undefined),
      view: this.#presented(view),
      is_cleared: false,
    });
  }

  async globalShortcut(callbackId: string): Promise<Reaction> {
    const triggerId = this.#service.triggers.issue(this.user.id);
    const delivery = await this.#service.deliveries.once('interactive', 'shortcut', {
      ...this.#interaction('shortcut', triggerId),
      callback_id: callbackId,
      action_ts: this.#service.world.nextTs(),
    });
    return this.#reaction(delivery, triggerId);
  }

  async messageShortcut(callbackId: string, message: SlackMessage): Promise<Reaction> {
    const channel = this.#readable(message.channel);
    const triggerId = this.#service.triggers.issue(this.user.id);
    const place = { userId: this.user.id, channelId: channel.id, threadTs: message.thread_ts };
    const delivery = await this.#service.deliveries.once('interactive', 'message_action', {
      ...this.#interaction('message_action', triggerId),
      callback_id: callbackId,
      action_ts: this.#service.world.nextTs(),
      message_ts: message.ts,
      message: presentMessage(this.#service.world.timeline(channel.id), message),
      channel: { id: channel.id, name: channelNameInPayloads(channel) },
      response_url: this.#responseUrl(place),
    });
    return this.#reaction(delivery, triggerId, channel.id);
  }

  openHome(tab: 'home' | 'messages' = 'home'): void {
    const { world, modals, events } = this.#service;
    const home = modals.homes.get(this.user.id);
    events.homeOpened(
      this.user,
      world.direct(this.user.id, world.bot.id).id,
      tab,
      home && this.#presented(home),
    );
  }

  /** The visible view of this person's open modal. */
  get modal(): View | undefined {
    return this.#service.modals.top(this.user.id);
  }

  get home(): View | undefined {
    return this.#service.modals.homes.get(this.user.id);
  }

  /** This person's ephemeral messages, oldest first. */
  get ephemerals(): readonly Ephemeral[] {
    return this.#service.world.ephemerals.filter((ephemeral) => ephemeral.user === this.user.id);
  }

  #composed(typed: string, options: Omit<PostOptions, 'thread'>): Composed {
    const { world } = this.#service;
    return compose(typed, {
      findUser: (name) => world.findUser(name)?.id,
      findChannel: (name) => world.findChannel(name),
      findGroup: (handle) => [...world.groups.values()].find((group) => group.handle === handle)?.id,
      ...(options.phoneKeyboard === undefined ? {} : { phoneKeyboard: options.phoneKeyboard }),
      ...(options.fenceLanguage === undefined ? {} : { fenceLanguage: options.fenceLanguage }),
    });
  }

  #numbered(composed: Composed) {
    return composed.blocks.map((block) => ({ ...block, block_id: this.#service.world.nextId('b') }));
  }

  #readable(reference: string): Channel {
    const { world } = this.#service;
    const channel = reference.startsWith('@')
      ? world.direct(this.user.id, world.user(reference.slice(1)).id)
      : world.channel(reference);
    if (channel.kind !== 'public' && !channel.members.has(this.user.id)) {
      throw new Error(`${this.user.name} cannot see ${reference}`);
    }
    return channel;
  }

  #writable(reference: string): Channel {
    const channel = this.#readable(reference);
    if (channel.archived) throw new Error(`${reference} is archived`);
    if (!channel.members.has(this.user.id)) throw new Error(`${this.user.name} is not in ${reference}`);
    return channel;
  }

  #mustBeMine(message: SlackMessage): void {
    if (message.user !== this.user.id) throw new Error(`${this.user.name} did not write ${message.ts}`);
  }

  /** Slackbot's hint if an app is mentioned where it is no member. */
  #inviteHint(channel: Channel): void {
    const { world, conversation } = this.#service;
    if (channel.members.has(world.bot.id)) return;
    const text = escapeText(`@${world.bot.name} is not in this channel. Invite it?`);
    conversation.whisper({ user: this.user.id, channel: channel.id, text });
  }

  #interaction(type: string, triggerId: string | undefined): Record<string, unknown> {
    const { world } = this.#service;
    return {
      type,
      token: 'playground',
      team: { id: world.teamId, domain: world.domain },
      user: { id: this.user.id, username: this.user.name, name: this.user.name, team_id: this.user.teamId },
      api_app_id: world.appId,
      enterprise: null,
      is_enterprise_install: false,
      ...(triggerId === undefined ? {} : { trigger_id: triggerId }),
    };
  }

  #presented(view: View): Record<string, unknown> {
    const { world } = this.#service;
    const presented = presentView(view, {
      teamId: world.teamId,
      appId: world.appId,
      botId: world.bot.botId ?? '',
    });
    // A field for files holds file objects.
    const filed = (_key: string, value: unknown): unknown =>
      typeof value === 'object' && value !== null && 'files' in value && Array.isArray(value.files)
        ? { ...value, files: value.files.map((id) => world.files.get(String(id))?.file ?? { id }) }
        : value;
    const values: unknown = JSON.parse(JSON.stringify(view.values, filed));
    return { ...presented, state: { values } };
  }

  #responseUrl(place: ResponsePlace): string {
    return `${this.#service.origin}${this.#service.responses.issue(place)}`;
  }

  /** Puts the typed texts into the view's state; returns the client's errors. */
  #fill(view: View, typed: Readonly<Record<string, string | readonly string[]>>): Record<string, string> {
    const errors: Record<string, string> = {};
    const left = new Set(Object.keys(typed));
    for (const block of view.draft.blocks) {
      if (block.type !== 'input') continue;
      const { element } = block;
      const blockId = block.block_id ?? '';
      const actionId = element.action_id ?? '';
      const value = typed[actionId] ?? typed[blockId];
      left.delete(actionId);
      left.delete(blockId);
      if (value !== undefined) (view.values[blockId] ??= {})[actionId] = typedState(element, value);
      const state = view.values[blockId]?.[actionId];
      if (isEmptyState(state)) {
        if (block.optional !== true) errors[blockId] = 'Please complete this required field.';
      } else if (element.type === 'plain_text_input' && typeof state?.value === 'string') {
        const max = element.max_length ?? 3000;
        if (state.value.length > max) errors[blockId] = `Must be no longer than ${max} characters.`;
        if (state.value.length < (element.min_length ?? 0)) errors[blockId] = 'Too short.';
      }
    }
    if (left.size > 0) throw new Error(`no input ${[...left].join(', ')} in this modal`);
    return errors;
  }

  /** Slackbot tells the person if an app did not answer. */
  #reaction(delivery: Delivery, triggerId: string, channelId?: string): Reaction {
    if (delivery.state === 'acked') {
      const text = textOfAck(delivery.ackPayload);
      return {
        ok: true,
        triggerId,
        ...(delivery.ackAfterMs === undefined ? {} : { ackAfterMs: delivery.ackAfterMs }),
        ...(text === undefined ? {} : { text }),
      };
    }
    const error = delivery.state === 'timedOut' ? 'operation_timeout' : 'dispatch_failed';
    if (channelId !== undefined) {
      const text = `${delivery.name} failed with the error "${error}"`;
      this.#service.conversation.whisper({ user: this.user.id, channel: channelId, text });
    }
    return { ok: false, error, triggerId };
  }
}

function hasContent(payload: unknown): boolean {
  return typeof payload === 'object' && payload !== null && Object.keys(payload).length > 0;
}

function textOfAck(payload: unknown): string | undefined {
  if (typeof payload !== 'object' || payload === null || !('text' in payload)) return undefined;
  return typeof payload.text === 'string' ? payload.text : undefined;
}
