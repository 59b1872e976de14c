import { createClient } from '@keyv/redis';
import type * as z from 'zod';
import { StoreError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { withTimeout } from '../../waits.ts';
import { decodeLoosely } from '../store.ts';
import { PREFIX_1 } from './migration-scripts.ts';
import { PREFIX, type ScriptName, scriptText, shaOf } from './scripts.ts';

/** How long an answer is waited for. */
const COMMAND_TIMEOUT_MS = 1_000;
/** A step that Redis begins later than this does nothing; the rest of the second is left for the answer's way back. */
const STEP_DEADLINE_MS = 800;
const CONNECT_TIMEOUT_MS = 2_000;
/** Without a byte for this long the connection is given up; an idle one is kept alive by pings. */
const SOCKET_TIMEOUT_MS = 3_000;
const PING_INTERVAL_MS = 1_000;
const MAX_RECONNECT_DELAY_MS = 1_000;
/** A server that takes no writes any more is left at most this often. */
const LEAVE_AGAIN_MS = 5_000;

type Client = ReturnType<typeof createClient>;

/** Redis is there, but does not do it now: it loads, fails over, is full, or cannot save. It is waited for. */
const PASSING = /\b(LOADING|BUSY|TRYAGAIN|MASTERDOWN|READONLY|MISCONF|NOREPLICAS|OOM|LATE)\b/;

/**
 * The connection to one Redis. It comes back by itself. While Redis is away every call rejects with `silent` at once, and
 * one that gets no answer after 1 s.
 */
export class RedisConnection {
  readonly client: Client;
  /** Subscribed to by every process of 0.1.0 that works on this store. */
  readonly oldChannel: string;
  /** What the lease record says while this process holds it; a write is accepted by nothing else. */
  fence = 'none';
  readonly #address: string;
  readonly #secrets: readonly string[];
  readonly #log: Log;
  #isOpened = false;
  #isClosed = false;
  /** Redis' clock minus this process's `performance.now()`, in ms. */
  #clockOffsetMs = 0;
  #leftAt = -Infinity;

  constructor(address: string, log: Log) {
    const url = new URL(address);
    this.#log = log;
    this.#address = `Redis at ${url.host}${url.pathname === '/' ? '' : url.pathname}`;
    this.#secrets = [url.password, decodeLoosely(url.password)].filter((secret) => secret !== '');
    this.oldChannel = `${PREFIX_1}signals:${url.pathname.slice(1) || 0}`;
    this.client = this.#createClient(url);
    this.#watch();
  }

  /** Connects, or rejects: `silent` when nobody answers, `refused` with Redis' reason. */
  async open(): Promise<void> {
    try {
      await this.#inTime(this.client.connect(), CONNECT_TIMEOUT_MS + COMMAND_TIMEOUT_MS);
      this.#isOpened = true;
      await this.ping();
      await this.#look();
    } catch (error) {
      this.close();
      throw this.#storeErrorOf(error);
    }
  }

  /** Any command, bounded. */
  async call<T>(send: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new StoreError('refused', 'The store is closed.');
    // The library keeps MULTI for later even with its offline queue off; this bars the way for all alike.
    if (!this.client.isReady) throw new StoreError('silent', `${this.#address} is not connected.`);
    try {
      return await this.#inTime(send(), COMMAND_TIMEOUT_MS);
    } catch (error) {
      if (error instanceof Error && /\bREADONLY\b/.test(error.message)) this.#leaveReplica();
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

  /** One atomic step that changes nothing. */
  async read<T>(answer: z.ZodType<T>, script: ScriptName, ...args: (string | number)[]): Promise<T> {
    return this.#run(answer, script, '', ...args);
  }

  /** One atomic step that Redis does only while the lease record names this process. */
  async write<T>(answer: z.ZodType<T>, script: ScriptName, ...args: (string | number)[]): Promise<T> {
    return this.#run(answer, script, this.fence, ...args);
  }

  async #run<T>(answer: z.ZodType<T>, script: ScriptName, ...args: (string | number)[]): Promise<T> {
    const read = answer.safeParse(await this.#runInTime(script, ...args));
    if (read.success) return read.data;
    throw new StoreError('refused', `Redis answered ${script} with what no store of this version answers.`);
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
          // An answer in time that says "late" tells of a clock that was set; the step has done nothing yet.
          if (redisNow === undefined || now >= endsAt) throw error;
          this.#clockOffsetMs = Number(redisNow) - now;
        }
      }
    });
  }

  async ping(): Promise<void> {
    await this.call(async () => {
      const [seconds, microseconds] = await this.client.time();
      // Redis read its clock before this moment: the offset is at most too small, and a step never too patient.
      this.#clockOffsetMs = Number(seconds) * 1_000 + Number(microseconds) / 1_000 - performance.now();
    });
  }

  close(): void {
    this.#isClosed = true;
    // One that is still connecting cannot be destroyed without losing sight of its socket: it ends at its next event.
    if (this.client.isReady) this.client.destroy();
  }

  /** After a failover the address leads to another server, while the old one keeps its connections. */
  #leaveReplica(): void {
    if (performance.now() - this.#leftAt < LEAVE_AGAIN_MS) return;
    this.#leftAt = performance.now();
    this.#log.warn({ event: 'redis.readonly' }, `${this.#address} takes no writes; it is looked for anew`);
    // The server hangs up, which the library takes for a lost connection; its own `quit` is for good.
    this.client.sendCommand(['QUIT']).catch(() => undefined);
  }

  async #look(): Promise<void> {
    // An account may be barred from INFO; then there is nothing to tell.
    const info = await this.call(() => this.client.info()).catch(() => '');
    if (/^cluster_enabled:1/m.test(info)) {
      throw new StoreError('refused', `${this.#address}: Redis Cluster is not supported.`);
    }
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    if (policy === undefined || policy === 'noeviction' || /^maxmemory:0\b/m.test(info)) return;
    // A Redis that drops keys when it is full drops accepted runs.
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
    // The library takes no percent sign that stands for itself, as it may in a password.
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
            // The first connection fails at once, for the operator to see; a lost one is sought again without end.
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
    const { client } = this;
    let isLost = false;
    let isRefused = false;
    client.on('error', (error: unknown) => {
      if (!this.#isOpened || this.#isClosed) return;
      const { code, message: reason } = this.#storeErrorOf(error);
      if (!isLost) this.#log.warn({ event: 'redis.lost', reason }, 'the connection to Redis is lost');
      // The operator has to act, such as on a password that was changed.
      else if (code === 'refused' && !isRefused)
        this.#log.error({ event: 'redis.refused', reason }, 'Redis refuses the connection');
      isLost = true;
      isRefused ||= code === 'refused';
    });
    client.on('ready', () => {
      if (this.#isClosed) return client.destroy();
      if (isLost) this.#log.info({ event: 'redis.back' }, 'the connection to Redis is back');
      isLost = false;
      isRefused = false;
      // Another server may have taken over, with a clock of its own.
      if (this.#isOpened) this.ping().catch(() => undefined);
    });
  }

  #storeErrorOf(error: unknown): StoreError {
    if (error instanceof StoreError) return error;
    const reason = error instanceof Error ? error.message || error.name : String(error);
    const shown = this.#secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), reason);
    if (/\bFENCED\b/.test(reason)) return new StoreError('notLeader', `${this.#address}: ${shown}`);
    if (/\b(MOVED|CROSSSLOT|CLUSTERDOWN)\b/.test(reason)) {
      return new StoreError('refused', `${this.#address}: Redis Cluster is not supported.`);
    }
    // Redis' own answers begin with a word in capitals; all else is the way to it. No cause: it may show the address.
    const isRefusal = /^[A-Z][A-Z0-9]+ /.test(reason) && !PASSING.test(reason);
    return new StoreError(isRefusal ? 'refused' : 'silent', `${this.#address}: ${shown}`);
  }
}
