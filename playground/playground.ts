/**
 * A local Slack on a loopback port: Web API, Socket Mode or signed HTTP, and its people. The app under test is started
 * with `SLACK_API_URL` = {@link Playground.apiUrl} and is otherwise unchanged.
 */
import type { Server } from 'node:http';
import type { WaitOptions } from './changes.ts';
import type { Delivery } from './deliveries.ts';
import { hold, type Fault, type Hold } from './faults.ts';
import { HttpDelivery } from './http-delivery.ts';
import type { ApiCall } from './journal.ts';
import type { Ephemeral, SlackMessage } from './messages.ts';
import type { Channel, ChannelKind, Role, User, UserGroup } from './people.ts';
import { close, createPlaygroundServer, listen } from './server.ts';
import { Service } from './service.ts';
import { defaults, type PlaygroundOptions } from './settings.ts';
import type { DisconnectReason } from './socket-mode.ts';
import { UserClient } from './user-client.ts';
import type { View } from './views.ts';
import type { StoredFile } from './world.ts';

export class Playground implements AsyncDisposable {
  readonly service: Service;
  readonly #server: Server;
  readonly #clients = new Map<string, UserClient>();

  constructor(service: Service, server: Server) {
    this.service = service;
    this.#server = server;
  }

  /** For `SLACK_API_URL`; ends with a slash. */
  get apiUrl(): string {
    return `${this.service.origin}/api/`;
  }

  get origin(): string {
    return this.service.origin;
  }

  /** The environment for a bot that uses this playground by Socket Mode. */
  get environment(): { SLACK_API_URL: string; SLACK_BOT_TOKEN: string; SLACK_APP_TOKEN: string } {
    const { botToken, appToken } = this.service.settings;
    return { SLACK_API_URL: this.apiUrl, SLACK_BOT_TOKEN: botToken, SLACK_APP_TOKEN: appToken };
  }

  /**
   * `ana` (admin), `ben` (member), `gus` (guest), `oli` (owner), `ext` (other workspace), `deploybot`, or an added
   * user.
   */
  as(name: string): UserClient {
    const user = this.service.world.user(name);
    let client = this.#clients.get(user.id);
    if (client === undefined) {
      client = new UserClient(this.service, user);
      this.#clients.set(user.id, client);
    }
    return client;
  }

  // The world ---------------------------------------------------------------------------------------------------------

  /** The app's own user. */
  get bot(): User {
    return this.service.world.bot;
  }

  user(reference: string): User {
    return this.service.world.user(reference);
  }

  channel(reference: string): Channel {
    return this.service.world.channel(reference);
  }

  /** The direct messages of this user with the app. */
  dm(user: string): Channel {
    return this.service.world.direct(this.service.world.user(user).id, this.bot.id);
  }

  addUser(name: string, about: { role?: Role; realName?: string; teamId?: string } = {}): User {
    return this.#changed(this.service.world.addUser(name, about));
  }

  /** By default with everybody and the app in it. */
  addChannel(
    name: string,
    about: { kind?: ChannelKind; members?: readonly string[]; shared?: boolean } = {},
  ): Channel {
    const home = [...this.service.world.users.values()]
      .filter((user) => user.role !== 'external')
      .map((user) => user.id);
    return this.#changed(this.service.world.addChannel(name, { ...about, members: about.members ?? home }));
  }

  addGroup(handle: string, members: readonly string[]): UserGroup {
    return this.#changed(this.service.world.addGroup(handle, members));
  }

  invite(channel: string, user: string = this.bot.id): void {
    this.channel(channel).members.add(this.user(user).id);
    this.service.changes.announce();
  }

  kick(channel: string, user: string = this.bot.id): void {
    this.channel(channel).members.delete(this.user(user).id);
    this.service.changes.announce();
  }

  archive(channel: string): void {
    this.channel(channel).archived = true;
    this.service.changes.announce();
  }

  /** Gives a channel another id, as Slack does when a private one is to be shared, and tells the app. */
  renumber(channel: string): Channel {
    const { world, events } = this.service;
    const before = this.channel(channel);
    const after = world.renumber(before);
    events.channelRenumbered(before, after);
    return this.#changed(after);
  }

  // What can be seen --------------------------------------------------------------------------------------------------

  /** All messages of a channel, replies too, oldest first. */
  messages(channel: string): readonly SlackMessage[] {
    return this.service.world.timeline(this.channel(channel).id).all;
  }

  /** Parent and replies, oldest first. */
  thread(channel: string, ts: string): readonly SlackMessage[] {
    return this.messages(channel).filter((message) => message.ts === ts || message.thread_ts === ts);
  }

  replies(channel: string, ts: string): readonly SlackMessage[] {
    return this.messages(channel).filter((message) => message.thread_ts === ts);
  }

  /** The ephemeral messages of this user. */
  ephemerals(user: string): readonly Ephemeral[] {
    return this.as(user).ephemerals;
  }

  get files(): readonly StoredFile[] {
    return [...this.service.world.files.values()];
  }

  /** All views that were ever opened; `open` tells which still are. */
  get views(): readonly View[] {
    return [...this.service.world.views.values()];
  }

  /** Every call of the Web API so far. */
  get calls(): readonly ApiCall[] {
    return this.service.calls;
  }

  callsOf(method: string): readonly ApiCall[] {
    return this.service.calls.filter((call) => call.method === method);
  }

  /** Everything that was sent to the app, repeats included. */
  get deliveries(): readonly Delivery[] {
    return this.service.deliveries.all;
  }

  // Waiting -----------------------------------------------------------------------------------------------------------

  /** Resolves with the first value of `find` that is not undefined, null or false; called again at each change. */
  waitFor<T>(
    find: (playground: Playground) => T | undefined | null | false,
    options: WaitOptions = {},
  ): Promise<T> {
    return this.service.changes.waitFor(
      () => find(this),
      options,
      () => this.#diary(),
    );
  }

  waitForReply(
    channel: string,
    ts: string,
    fits: (reply: SlackMessage) => boolean = () => true,
    options: WaitOptions = {},
  ): Promise<SlackMessage> {
    const what = options.what ?? `a reply to ${ts} in ${channel} with ${fits.toString()}`;
    return this.waitFor(() => this.replies(channel, ts).find(fits), { ...options, what });
  }

  waitForMessage(
    channel: string,
    fits: (message: SlackMessage) => boolean,
    options: WaitOptions = {},
  ): Promise<SlackMessage> {
    const what = options.what ?? `a message in ${channel} with ${fits.toString()}`;
    return this.waitFor(() => this.messages(channel).find(fits), { ...options, what });
  }

  waitForEphemeral(
    user: string,
    fits: (ephemeral: Ephemeral) => boolean = () => true,
    options: WaitOptions = {},
  ): Promise<Ephemeral> {
    const what = options.what ?? `an ephemeral message for ${user} with ${fits.toString()}`;
    return this.waitFor(() => this.ephemerals(user).find(fits), { ...options, what });
  }

  /** Resolves when the app has `count` open websockets. */
  waitForConnection(count = 1, options: WaitOptions = {}): Promise<true> {
    return this.waitFor(() => this.service.socket.connectionCount >= count, {
      what: 'a connection of the app',
      ...options,
    });
  }

  /** Resolves when everything that was sent is acknowledged or given up. */
  waitForQuiet(options: WaitOptions = {}): Promise<true> {
    return this.waitFor(() => this.deliveries.every((delivery) => delivery.state !== 'sent'), options);
  }

  // Trouble -----------------------------------------------------------------------------------------------------------

  /** The next `times` calls of `method` fail so; `*` is any method, `upload` the upload address. */
  fail(method: string, fault: Fault, times = 1): void {
    this.service.faults.plant(method, fault, times);
  }

  /** Holds the next call of `method` until it is released. */
  hold(method: string): Hold {
    return hold(this.service.faults, method);
  }

  clearFaults(): void {
    this.service.faults.clear();
  }

  /** The next `count` completed uploads never appear. */
  loseShares(count = 1): void {
    this.service.uploads.loseShares(count);
  }

  /** Sends `disconnect` on the app's connections. */
  disconnect(reason: DisconnectReason, which: 'all' | 'oldest' = 'all'): void {
    this.service.socket.disconnect(reason, which);
  }

  drop(): void {
    this.service.socket.drop();
  }

  /** Leaves the app's connections half open for so long. */
  stall(ms: number): void {
    this.service.socket.stall(ms);
  }

  /** Nothing is delivered until `thaw`. */
  freeze(): void {
    this.service.deliveries.freeze();
  }

  thaw(): void {
    this.service.deliveries.thaw();
  }

  /** Makes all pending repeats now; returns how many. */
  retryNow(): number {
    return this.service.deliveries.retryNow();
  }

  /** Delivers an earlier event once more, with the same event_id. */
  repeat(delivery: Delivery): void {
    this.service.deliveries.event(delivery.name, delivery.body);
  }

  /** A link's preview is added to a message: message_changed without an edit. */
  unfurl(message: SlackMessage, url: string): void {
    this.service.conversation.unfurl(message, url);
  }

  async stop(): Promise<void> {
    await this.service.stop();
    await close(this.#server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #changed<T>(value: T): T {
    this.service.changes.announce();
    return value;
  }

  /** The last calls and deliveries, for the error message of a wait. */
  #diary(): string {
    const calls = this.calls
      .slice(-12)
      .map((call) => `  ${call.method} ${call.error ?? call.status ?? 'running'}`);
    const deliveries = this.deliveries.slice(-8).map((delivery) => `  ${delivery.name} ${delivery.state}`);
    return [`last calls:`, ...calls, `last deliveries:`, ...deliveries].join('\n');
  }
}

/** Starts a playground; its web page is at {@link Playground.origin}. */
export async function startPlayground(options: PlaygroundOptions = {}): Promise<Playground> {
  const service = new Service({ ...defaults, ...options });
  const server = createPlaygroundServer(service, async (request, response) => {
    // Most tests never look at the page, and React loads slowly.
    const { servePage } = await import('./page/page.ts');
    return servePage(service, request, response);
  });
  const playground = new Playground(service, server);
  service.origin = await listen(server, service.settings.port);
  service.uploads.origin = service.origin;
  return playground;
}

/** The handshake that Slack makes before it accepts a request URL. */
export function verifyRequestUrl(playground: Playground, requestUrl: string): Promise<boolean> {
  return new HttpDelivery(requestUrl, playground.service.settings).verify();
}
