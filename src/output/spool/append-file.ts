import { once } from 'node:events';
import { closeSync, createWriteStream, openSync, type WriteStream, writeSync } from 'node:fs';
import type { RunFolder } from './run-folder.ts';

/** Bytes that may wait for the disk before the writer is asked to wait too. */
const highWaterBytes = 1_048_576;
/** So much of a file is written at once: for little, a thread's way there and back takes longer than the disk. */
const atOnceBytes = 65_536;

/**
 * A file that only grows; opened at the first write. What was written survives the end of this process as soon as the
 * disk took it. A disk that refuses is told once to `onFailure`; what comes after is let go.
 */
export class AppendFile {
  readonly path: string;
  readonly #folder: RunFolder;
  readonly #onFailure: (error: unknown) => void;
  #descriptor: number | undefined;
  #stream: WriteStream | undefined;
  #draining: Promise<void> | undefined;
  #written = 0;
  #failed = false;

  constructor(folder: RunFolder, name: string, onFailure: (error: unknown) => void) {
    this.#folder = folder;
    this.path = folder.at(name);
    this.#onFailure = onFailure;
  }

  /** Resolves at once, or when the disk has caught up. */
  async write(written: string | Buffer): Promise<void> {
    if (this.#failed || written.length === 0) return;
    const bytes = Buffer.from(written);
    try {
      const descriptor = (this.#descriptor ??= this.#open());
      this.#written += bytes.length;
      if (this.#written <= atOnceBytes) return writeAll(descriptor, bytes);
      this.#stream ??= this.#streamTo(descriptor);
    } catch (error) {
      return this.#fail(error);
    }
    if (!this.#stream.write(bytes)) await this.#drained(this.#stream);
  }

  /** Who writes without waiting may do so very often: they all wait for one thing. */
  #drained(stream: WriteStream): Promise<void> {
    this.#draining ??= once(stream, 'drain').then(
      () => (this.#draining = undefined),
      () => (this.#draining = undefined),
    );
    return this.#draining;
  }

  /** All that was written is with the disk. A later write opens the file again. */
  async close(): Promise<void> {
    const [descriptor, stream] = [this.#descriptor, this.#stream];
    this.#descriptor = undefined;
    this.#stream = undefined;
    if (stream === undefined) {
      if (descriptor !== undefined) closeSync(descriptor);
      return;
    }
    if (this.#failed) return;
    stream.end();
    await once(stream, 'finish').catch(() => {});
  }

  #open(): number {
    this.#folder.make();
    return openSync(this.path, 'a');
  }

  /** Takes the open file over: it is closed with the stream. */
  #streamTo(descriptor: number): WriteStream {
    const stream = createWriteStream(this.path, { fd: descriptor, highWaterMark: highWaterBytes });
    stream.on('error', (error) => this.#fail(error));
    return stream;
  }

  #fail(error: unknown): void {
    if (!this.#failed) this.#onFailure(error);
    this.#failed = true;
  }
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}
