import { createClient } from '@keyv/redis';
import type * as z from 'zod';
import { StoreError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { withTimeout } from '../../waits.ts';
import { decodeLoosely } from '../store.ts';
import { PREFIX_1 } from './migration-scripts.ts';
import { PREFIX, type ScriptName, scriptText, shaOf } from './scripts.ts';

/** How long a command waits for its answer. */
const COMMAND_TIMEOUT_MS = 1_000;
/** A script that Redis begins later than this does nothing. The rest of the second is left for the answer. */
const STEP_DEADLINE_MS = 800;
const CONNECT_TIMEOUT_MS = 2_000;
/** A connection without traffic for this long counts as lost. Pings keep an idle one alive. */
const SOCKET_TIMEOUT_MS = 3_000;
const PING_INTERVAL_MS = 1_000;
const MAX_RECONNECT_DELAY_MS = 1_000;
/** How often, at most, the connection to a read-only server is dropped. */
const LEAVE_AGAIN_MS = 5_000;
/** A leader and a standby ask every second, so after this time a read-only server is another outage. */
const READ_ONLY_AGAIN_MS = 3 * LEAVE_AGAIN_MS;

type Client = ReturnType<typeof createClient>;

/** Redis answers, but cannot do it now: it is loading, failing over, full, or cannot save. Worth another try. */
const PASSING = /\b(LOADING|BUSY|TRYAGAIN|MASTERDOWN|READONLY|MISCONF|NOREPLICAS|OOM|LATE)\b/;

/**
 * The connection to one Redis. It reconnects by itself. While there is no connection, every call rejects with `silent` at
 * once. A call without an answer rejects with `silent` after 1 s.
 */
export class RedisConnection {
  readonly client: Client;
  /** Every process of 0.1.0 on this store subscribes to this channel. */
  readonly oldChannel: string;
  /** The lease record while this process holds the lease. Redis accepts a write only with the current record. */
  fence = 'none';
  readonly #address: string;
  readonly #secrets: readonly string[];
  readonly #log: Log;
  #isOpened = false;
  #isClosed = false;
  /** Redis' clock minus this process's `performance.now()`, in ms. */
  #clockOffsetMs = 0;
  #leftAt = -Infinity;
  #outage: undefined | 'lost' | 'refused';
  /** The end of the connection that comes next was asked for. */
  #isLeaving = false;

  constructor(address: string, log: Log) {
    const url = new URL(address);
    this.#log = log;
    this.#address = `Redis at ${url.host}${url.pathname === '/' ? '' : url.pathname}`;
    this.#secrets = [url.password, decodeLoosely(url.password)].filter((secret) => secret !== '');
    this.oldChannel = `${PREFIX_1}signals:${url.pathname.slice(1) || 0}`;
    this.client = this.#createClient(url);
    this.#watch();
  }

  /** Connects. Rejects with `silent` if nobody answers, or with `refused` and Redis' reason. */
  async open(): Promise<void> {
    try {
      await this.#inTime(this.client.connect(), CONNECT_TIMEOUT_MS + COMMAND_TIMEOUT_MS);
      this.#isOpened = true;
      await this.ping();
      await this.#checkServer();
    } catch (error) {
      this.close();
      throw this.#storeErrorOf(error);
    }
  }

  /** Runs any command, with a time limit. */
  async call<T>(send: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new StoreError('refused', 'The store is closed.');
    // Without a connection the library still queues MULTI although its offline queue is off, so nothing is sent at all.
    if (!this.client.isReady) throw new StoreError('silent', `${this.#address} is not connected.`);
    try {
      const answer = await this.#inTime(send(), COMMAND_TIMEOUT_MS);
      this.#noteAnswer();
      return answer;
    } catch (error) {
      if (error instanceof Error && /\bREADONLY\b/.test(error.message)) this.#leaveReadOnlyServer();
      throw this.#storeErrorOf(error);
    }
  }

  async #inTime<T>(asked: Promise<T>, ms: number): Promise<T> {
    return await withTimeout(
      asked,
      ms,
      () => new StoreError('silent', `${this.#address} gave no answer within ${ms} ms.`),
    );
  }

  /** Runs a script that needs no lease. */
  async read<T>(answer: z.ZodType<T>, script: ScriptName, ...args: (string | number)[]): Promise<T> {
    return this.#run(answer, script, '', ...args);
  }

  /** Runs a script that Redis executes only while the lease record names this process. */
  async write<T>(answer: z.ZodType<T>, script: ScriptName, ...args: (string | number)[]): Promise<T> {
    return this.#run(answer, script, this.fence, ...args);
  }

  async #run<T>(answer: z.ZodType<T>, script: ScriptName, ...args: (string | number)[]): Promise<T> {
    const read = answer.safeParse(await this.#runInTime(script, ...args));
    if (read.success) return read.data;
    throw new StoreError('refused', `Redis gave an answer to ${script} that this version cannot read.`);
  }

  async #runInTime(script: ScriptName, ...args: (string | number)[]): Promise<unknown> {
    return this.call(async () => {
      const endsAt = performance.now() + STEP_DEADLINE_MS;
      for (;;) {
        try {
          return await this.#runOnce(script, [Math.ceil(endsAt + this.#clockOffsetMs), ...args]);
        } catch (error) {
          const redisNow = /^LATE (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
          const now = performance.now();
          // "LATE" although there is time left: Redis' clock was set. The script has changed nothing, so it is repeated.
          if (redisNow === undefined || now >= endsAt) throw error;
          this.#clockOffsetMs = Number(redisNow) - now;
        }
      }
    });
  }

  async ping(): Promise<void> {
    await this.call(async () => {
      const [seconds, microseconds] = await this.client.time();
      // Redis read its clock a moment ago, so the offset may be too small, which makes a deadline earlier, never later.
      this.#clockOffsetMs = Number(seconds) * 1_000 + Number(microseconds) / 1_000 - performance.now();
    });
  }

  close(): void {
    this.#isClosed = true;
    // A client that is still connecting keeps its socket when destroyed: it is destroyed when it is ready.
    if (this.client.isReady) this.client.destroy();
  }

  /** After a failover the address leads to another server, but the old server keeps its connections. */
  #leaveReadOnlyServer(): void {
    const sinceMs = performance.now() - this.#leftAt;
    if (sinceMs < LEAVE_AGAIN_MS) return;
    this.#leftAt = performance.now();
    if (sinceMs > READ_ONLY_AGAIN_MS)
      this.#log.warn({ event: 'redis.readonly' }, `${this.#address} accepts no writes; connecting again`);
    // The server closes the connection, and the library connects again. The library's own `quit` would be final.
    this.#isLeaving = true;
    this.client.sendCommand(['QUIT']).catch(() => undefined);
  }

  async #checkServer(): Promise<void> {
    // The account may not be allowed to use INFO.
    const info = await this.call(() => this.client.info()).catch(() => '');
    if (/^cluster_enabled:1/m.test(info)) {
      throw new StoreError('refused', `${this.#address}: Redis Cluster is not supported.`);
    }
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    if (policy === undefined || policy === 'noeviction' || /^maxmemory:0\b/m.test(info)) return;
    this.#log.warn(
      { event: 'redis.evicting', policy },
      'Redis may drop accepted runs when it is full: set its maxmemory-policy to noeviction',
    );
  }

  async #runOnce(script: ScriptName, args: (string | number)[]): Promise<unknown> {
    const options = { keys: [PREFIX], arguments: args.map(String) };
    try {
      return await this.client.evalSha(shaOf(script), options);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return this.client.eval(scriptText(script), options);
    }
  }

  #createClient(url: URL): Client {
    const readable = new URL(url);
    // The library rejects a percent sign that begins no escape, which a password may contain.
    readable.username = encodeURIComponent(decodeLoosely(url.username));
    readable.password = encodeURIComponent(decodeLoosely(url.password));
    try {
      return createClient({
        url: readable.href,
        disableOfflineQueue: true,
        pingInterval: PING_INTERVAL_MS,
        socket: {
          connectTimeout: CONNECT_TIMEOUT_MS,
          socketTimeout: SOCKET_TIMEOUT_MS,
          reconnectStrategy: (retries, cause) => {
            if (this.#isClosed) return false;
            // The first attempt fails at once, so that the operator sees it. A lost connection is retried without end.
            if (!this.#isOpened) return cause;
            return Math.min(50 * 2 ** retries, MAX_RECONNECT_DELAY_MS) + Math.random() * 50;
          },
        },
      });
    } catch (error) {
      throw this.#storeErrorOf(error);
    }
  }

  #watch(): void {
    this.client.on('error', (error: unknown) => this.#noteError(error));
    this.client.on('ready', () => {
      if (this.#isClosed) return this.client.destroy();
      // Another server, with another clock, may have taken over. One that wants a password first answers only errors.
      if (this.#isOpened)
        this.ping().catch((error: unknown) => {
          // The end of the connection is an event of its own.
          if (this.#storeErrorOf(error).code === 'refused') this.#noteError(error);
        });
    });
  }

  #noteError(error: unknown): void {
    if (!this.#isOpened || this.#isClosed) return;
    if (this.#isLeaving) return void (this.#isLeaving = false);
    const { code, message: reason } = this.#storeErrorOf(error);
    if (this.#outage === undefined)
      this.#log.warn({ event: 'redis.lost', reason }, 'the connection to Redis is lost');
    // An operator has to act, for example because the password was changed.
    else if (code === 'refused' && this.#outage !== 'refused')
      this.#log.error({ event: 'redis.refused', reason }, 'Redis refuses the connection');
    else return;
    this.#outage = this.#outage === undefined ? 'lost' : 'refused';
  }

  #noteAnswer(): void {
    if (this.#outage !== undefined)
      this.#log.info({ event: 'redis.back' }, 'the connection to Redis is back');
    this.#outage = undefined;
  }

  #storeErrorOf(error: unknown): StoreError {
    if (error instanceof StoreError) return error;
    const reason = error instanceof Error ? error.message || error.name : String(error);
    const shown = this.#secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), reason);
    if (/\bFENCED\b/.test(reason)) return new StoreError('notLeader', `${this.#address}: ${shown}`);
    if (/\b(MOVED|CROSSSLOT|CLUSTERDOWN)\b/.test(reason)) {
      return new StoreError('refused', `${this.#address}: Redis Cluster is not supported.`);
    }
    // Redis' own errors begin with a word in capitals; others come from the network. No `cause`: it may contain the URL.
    const isRefusal = /^[A-Z][A-Z0-9]+ /.test(reason) && !PASSING.test(reason);
    return new StoreError(isRefusal ? 'refused' : 'silent', `${this.#address}: ${shown}`);
  }
}
