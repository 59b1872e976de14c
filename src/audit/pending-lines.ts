import { appendFileSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { createFolder } from '../folders.ts';
import type { Log } from '../log.ts';
import { pause } from '../waits.ts';

/** How many lines wait for a target that does not accept them. Further lines go to the log. */
const PENDING_LINES = 50_000;
const PENDING_BYTES = 50_000_000;
/** The size of one delivery. */
const BATCH_LINES = 500;
const BATCH_BYTES = 1_000_000;
/** After a failure the delivery is repeated after this time, and each time twice as late. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;
const CLOSING_MS = 2_000;

export interface PendingLinesOptions {
  deliver: Deliver;
  /** The folder of the file with undelivered lines, which survive the process there. */
  dir: string;
  log: Log;
  /** Called for an entry for which there was no room. */
  onNoRoom: (entry: object) => void;
  /** Writes the line that says how many found no room. */
  overflowLine: (lines: number) => string;
  /** Replaces the limits of this file, for tests. */
  limits?: { lines?: number; retryMs?: number };
}

/**
 * Delivers lines in order to a target that may be unavailable. A line is on the disk until it and all lines before it are
 * delivered, so after a crash a line may arrive twice. Each line has an id by which the target can tell.
 */
export class PendingLines {
  readonly #options: PendingLinesOptions;
  readonly #path: string;
  readonly #maxLines: number;
  readonly #retryMs: number;
  readonly #closing = new AbortController();
  #lines: string[] = [];
  #bytes = 0;
  /** The size of the file, which contains delivered lines until it is rewritten. */
  #fileBytes = 0;
  #overflowed = 0;
  #isRefusing = false;
  #isDiskFull = false;
  #work: Promise<void> | undefined;

  constructor(options: PendingLinesOptions) {
    this.#options = options;
    this.#path = join(options.dir, 'audit-pending.ndjson');
    const { lines = PENDING_LINES, retryMs = FIRST_RETRY_MS } = options.limits ?? {};
    this.#maxLines = lines;
    this.#retryMs = retryMs;
    this.#readPending();
    if (this.#lines.length > 0) this.#start();
  }

  add(line: string, entry: object): void {
    const bytes = Buffer.byteLength(line) + 1;
    if (this.#lines.length >= this.#maxLines || this.#bytes + bytes > PENDING_BYTES) {
      this.#overflowed += 1;
      this.#options.onNoRoom(entry);
      return;
    }
    this.#lines.push(line);
    this.#bytes += bytes;
    this.#fileBytes += bytes;
    // An append that failed may have left a part of its line: a line break keeps the next line apart from it.
    const start = this.#isDiskFull ? '\n' : '';
    this.#onDisk(() => appendFileSync(this.#path, `${start}${line}\n`, { mode: 0o600 }));
    this.#start();
  }

  /** Resolves when everything is delivered, or after 2 s. Nothing is delivered afterwards. */
  async close(): Promise<void> {
    const giveUp = setTimeout(() => this.#closing.abort(), this.#isRefusing ? 0 : CLOSING_MS);
    await this.#work;
    clearTimeout(giveUp);
    this.#closing.abort();
  }

  #start(): void {
    this.#work ??= this.#deliverAll().finally(() => {
      this.#work = undefined;
    });
  }

  async #deliverAll(): Promise<void> {
    const { signal } = this.#closing;
    let waitMs = this.#retryMs;
    while (this.#lines.length > 0 && !signal.aborted) {
      try {
        await this.#deliverBatch(signal);
        waitMs = this.#retryMs;
      } catch (error) {
        if (signal.aborted) return;
        this.#sayRefusing(error);
        await pause(waitMs, signal);
        waitMs = Math.min(2 * waitMs, LAST_RETRY_MS);
      }
    }
  }

  async #deliverBatch(signal: AbortSignal): Promise<void> {
    let count = 0;
    let bytes = 0;
    for (const line of this.#lines.slice(0, BATCH_LINES)) {
      bytes += Buffer.byteLength(line) + 1;
      if (count > 0 && bytes > BATCH_BYTES) break;
      count += 1;
    }
    const batch = this.#lines.slice(0, count).map((line) => `${line}\n`);
    await this.#options.deliver(batch.join(''), signal);
    this.#lines = this.#lines.slice(count);
    this.#bytes -= Buffer.byteLength(batch.join(''));
    if (this.#lines.length === 0 || this.#fileBytes > 2 * this.#bytes + BATCH_BYTES)
      this.#onDisk(() => this.#writeAnew());
    if (this.#isRefusing) this.#sayBack();
    const overflowed = this.#overflowed;
    this.#overflowed = 0;
    if (overflowed > 0) this.add(this.#options.overflowLine(overflowed), { overflowed });
  }

  /** Logs an outage of the target, once. */
  #sayRefusing(error: unknown): void {
    if (this.#isRefusing) return;
    this.#isRefusing = true;
    this.#options.log.error(
      { event: 'audit.away', err: error },
      'the audit target does not accept lines; they are stored and delivered later',
    );
  }

  #sayBack(): void {
    this.#isRefusing = false;
    const overflowed = this.#overflowed;
    this.#options.log.warn({ event: 'audit.back', overflowed }, 'the audit target accepts lines again');
  }

  /** Reads the lines that an earlier process did not deliver. */
  #readPending(): void {
    this.#onDisk(() => {
      createFolder(this.#options.dir, 0o700);
      if (statSync(this.#path, { throwIfNoEntry: false }) === undefined) return;
      const text = readFileSync(this.#path, 'utf8');
      // A crash may have cut off the last line. If there are too many lines, the first ones were delivered already.
      this.#lines = text.split('\n').filter(isJson).slice(-this.#maxLines);
      for (const line of this.#lines) this.#bytes += Buffer.byteLength(line) + 1;
      this.#writeAnew();
    });
  }

  #writeAnew(): void {
    this.#fileBytes = this.#bytes;
    if (this.#lines.length === 0) return rmSync(this.#path, { force: true });
    const path = `${this.#path}.new`;
    writeFileSync(path, this.#lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
    renameSync(path, this.#path);
  }

  /** If the disk fails, lines are only in memory and are still delivered. That is logged once. */
  #onDisk(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!this.#isDiskFull)
        this.#options.log.error(
          { event: 'audit.unkept', err: error },
          'audit lines cannot be stored on the disk; a crash would lose those that are not delivered',
        );
      this.#isDiskFull = true;
    }
  }
}

function isJson(line: string): boolean {
  try {
    return line !== '' && typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
}

/** Delivers whole lines, each with its line break. Rejects if they were not accepted. */
type Deliver = (lines: string, signal: AbortSignal) => Promise<void>;

const ANSWER_MS = 10_000;

/** Opens the file for each delivery, so that a log rotation can move it away. */
export function deliverToFile(path: string): Deliver {
  const file = resolve(path);
  return async (lines) => {
    createFolder(dirname(file));
    await appendFile(file, lines, { mode: 0o600 });
  };
}

/** The process's own fetch, or one that uses a proxy. */
export type Post = (
  url: URL,
  init: {
    method: 'POST';
    headers: Record<string, string>;
    body: string;
    redirect: 'error';
    signal: AbortSignal;
  },
) => Promise<Response>;

/** Posts JSON lines. A user and a password in the URL are sent as Basic authorization. */
export function deliverToUrl(address: URL, post: Post = fetch): Deliver {
  const url = new URL(address);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const basic = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const headers = {
    'content-type': 'application/x-ndjson',
    ...(basic === ':' ? {} : { authorization: `Basic ${Buffer.from(basic).toString('base64')}` }),
  };
  return async (body, signal) => {
    const answer = await post(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`it answered HTTP ${answer.status}`);
  };
}
