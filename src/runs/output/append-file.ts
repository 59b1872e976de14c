import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';

/** Bytes that may wait for the disk before the writer is asked to wait too. */
const highWaterBytes = 1_048_576;

/**
 * A file that only grows; opened at the first write. What was written survives the end of this process as soon as the
 * disk took it. A disk that refuses is told once to `onFailure`; what comes after is let go.
 */
export class AppendFile {
  readonly path: string;
  readonly #onFailure: (error: Error) => void;
  #stream: WriteStream | undefined;
  #failed = false;

  constructor(path: string, onFailure: (error: Error) => void) {
    this.path = path;
    this.#onFailure = onFailure;
  }

  /** Resolves at once, or when the disk has caught up. */
  async write(bytes: string | Buffer): Promise<void> {
    if (this.#failed || bytes.length === 0) return;
    const stream = (this.#stream ??= this.#open());
    if (!stream.write(bytes)) await once(stream, 'drain').catch(() => {});
  }

  /** All that was written is with the disk. A later write opens the file again. */
  async close(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream === undefined || this.#failed) return;
    stream.end();
    await once(stream, 'finish').catch(() => {});
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.path, { flags: 'a', highWaterMark: highWaterBytes });
    stream.on('error', (error) => {
      if (!this.#failed) this.#onFailure(error);
      this.#failed = true;
    });
    return stream;
  }
}
