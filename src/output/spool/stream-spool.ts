import { once } from 'node:events';
import { closeSync, createWriteStream, openSync, type WriteStream, writeSync } from 'node:fs';
import type { StreamName } from '../model/picture.ts';
import { STREAM_FILE, type RunFolder } from './run-folder.ts';
import { SpoolFullError } from './spool.ts';

/** How many bytes may wait for the disk before the writer must wait too. */
const HIGH_WATER_BYTES = 1_048_576;
/** How much is written synchronously: for small amounts, going through the thread pool takes longer than the disk. */
const AT_ONCE_BYTES = 65_536;

/**
 * The stream text of a run on disk as the kernel sent it: UTF-8, in order, lone surrogates as U+FFFD, as far as the
 * folder has room. Pieces may end within a surrogate pair. Written text survives the end of this process.
 */
export class StreamSpool {
  readonly #folder: RunFolder;
  #descriptor: number | undefined;
  #stream: WriteStream | undefined;
  #draining: Promise<void> | undefined;
  #written = 0;
  #hasFailed = false;
  /** The limit for all runs is reached: later text is shown but not stored. */
  #isSpoolFull = false;
  #halfPair = '';
  /** The stream that was written last. */
  source: StreamName | undefined;
  keptBytes = 0;
  sentBytes = 0;
  /** There was no room for all of it. */
  isCut = false;

  /** If the disk fails, this is reported once to the folder, and later text is dropped. */
  constructor(folder: RunFolder) {
    this.#folder = folder;
  }

  /** `bytes` are stored already, the last ones from `source`. */
  recover(bytes: number, source: StreamName | undefined): void {
    this.source = source;
    this.keptBytes = bytes;
    this.sentBytes = bytes;
    this.#folder.countStream(bytes);
  }

  /** Undefined while nothing is stored. */
  get path(): string | undefined {
    return this.keptBytes > 0 ? this.#folder.at(STREAM_FILE) : undefined;
  }

  /** Returns the part of `text` to be shown (less at the limit), and the wait for the disk. */
  write(name: StreamName, text: string): { shown: string; written: Promise<void> } {
    const carried = (this.source === name ? this.#halfPair : this.#takeHalfPair()) + text;
    this.source = name;
    const last = carried.charCodeAt(carried.length - 1);
    this.#halfPair = last >= 0xd800 && last <= 0xdbff ? carried.slice(-1) : '';
    const bytes = Buffer.from(this.#halfPair === '' ? carried : carried.slice(0, -1));
    this.sentBytes += bytes.length;
    const stored = this.isCut ? Buffer.alloc(0) : cutUtf8(bytes, Math.max(0, this.#folder.room));
    const isWhole = !this.isCut && stored.length === bytes.length;
    this.isCut ||= !isWhole;
    const onDisk = this.#isSpoolFull
      ? stored.subarray(0, 0)
      : cutUtf8(stored, this.#folder.roomOnDisk(stored.length));
    this.keptBytes += onDisk.length;
    this.#folder.countStream(onDisk.length);
    const written = this.#append(onDisk);
    if (onDisk.length < stored.length && !this.#isSpoolFull) {
      this.#isSpoolFull = true;
      this.#folder.onFailure(new SpoolFullError());
    }
    return { shown: isWhole ? text : stored.toString(), written };
  }

  /** Completes all writes and closes the file; a later write opens it again. */
  async close(): Promise<void> {
    await this.#append(Buffer.from(this.#takeHalfPair()));
    const [descriptor, stream] = [this.#descriptor, this.#stream];
    this.#descriptor = undefined;
    this.#stream = undefined;
    if (stream === undefined) {
      if (descriptor !== undefined) closeSync(descriptor);
      return;
    }
    if (this.#hasFailed) return;
    stream.end();
    await once(stream, 'finish').catch(() => {});
  }

  /** Resolves at once, or when the disk has caught up. */
  async #append(bytes: Buffer): Promise<void> {
    if (this.#hasFailed || bytes.length === 0) return;
    try {
      const descriptor = (this.#descriptor ??= this.#open());
      this.#written += bytes.length;
      if (this.#written <= AT_ONCE_BYTES) {
        for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
        return;
      }
      this.#stream ??= this.#streamTo(descriptor);
    } catch (error) {
      return this.#fail(error);
    }
    if (!this.#stream.write(bytes)) await this.#drained(this.#stream);
  }

  /** Callers may write very often without waiting: they all share one listener. */
  #drained(stream: WriteStream): Promise<void> {
    this.#draining ??= once(stream, 'drain').then(
      () => (this.#draining = undefined),
      () => (this.#draining = undefined),
    );
    return this.#draining;
  }

  #open(): number {
    const path = this.#folder.at(STREAM_FILE);
    this.#folder.begin();
    return openSync(path, 'a');
  }

  /** Takes over the open file, which is closed with the stream. */
  #streamTo(descriptor: number): WriteStream {
    const stream = createWriteStream('', { fd: descriptor, highWaterMark: HIGH_WATER_BYTES });
    stream.on('error', (error) => this.#fail(error));
    return stream;
  }

  #fail(error: unknown): void {
    if (!this.#hasFailed) this.#folder.onFailure(error);
    this.#hasFailed = true;
  }

  /** Half a pair without its other half is a lone surrogate. */
  #takeHalfPair(): string {
    const half = this.#halfPair === '' ? '' : '\ufffd';
    this.#halfPair = '';
    return half;
  }
}

/** The longest prefix of `bytes` of at most `maxBytes` that ends between two code points. */
function cutUtf8(bytes: Buffer, maxBytes: number): Buffer {
  if (bytes.length <= maxBytes) return bytes;
  let end = maxBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}
