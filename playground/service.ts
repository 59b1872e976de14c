/** The parts of the local Slack, put together. */
import { Changes } from './changes.ts';
import { Conversation } from './conversation.ts';
import { Deliveries } from './deliveries.ts';
import { Events } from './events.ts';
import { Faults } from './faults.ts';
import { HttpDelivery } from './http-delivery.ts';
import type { ApiCall } from './journal.ts';
import { Modals } from './modals.ts';
import { Rates } from './rates.ts';
import { ResponseUrls } from './response-urls.ts';
import type { Settings } from './settings.ts';
import { SocketMode } from './socket-mode.ts';
import { Timers } from './timers.ts';
import { Triggers } from './triggers.ts';
import { Uploads } from './uploads.ts';
import { World } from './world.ts';

export class Service {
  readonly settings: Settings;
  readonly world: World;
  readonly changes: Changes;
  readonly timers = new Timers();
  readonly faults = new Faults();
  readonly calls: ApiCall[] = [];
  readonly rates: Rates | undefined;
  readonly socket: SocketMode;
  readonly deliveries: Deliveries;
  readonly events: Events;
  readonly conversation: Conversation;
  readonly triggers: Triggers;
  readonly modals: Modals;
  readonly responses: ResponseUrls;
  readonly uploads: Uploads;
  /** `http://127.0.0.1:port`, known once it listens. */
  origin = '';

  constructor(settings: Settings) {
    this.settings = settings;
    this.changes = new Changes(settings.waitTimeoutMs);
    this.world = new World(settings);
    const { world, changes, timers } = this;
    const { rates, requestUrl } = settings;
    this.rates = rates === false ? undefined : new Rates(rates === true ? {} : rates);
    this.socket = new SocketMode(world.appId, settings.pingIntervalMs, timers, changes);
    const transport = requestUrl === undefined ? this.socket : new HttpDelivery(requestUrl, settings);
    this.deliveries = new Deliveries(transport, settings, timers, changes);
    this.events = new Events(world, this.deliveries, settings);
    this.conversation = new Conversation(world, this.events, changes);
    this.triggers = new Triggers(settings.triggerLifeMs, settings.now);
    this.modals = new Modals(world, changes);
    this.responses = new ResponseUrls(world, this.conversation, settings.now);
    this.uploads = new Uploads(world, this.conversation, timers, changes, settings.shareDelayMs);
  }

  async stop(): Promise<void> {
    this.timers.clear();
    await this.socket.stop();
  }
}
