import type { AppendFile } from './append-file.ts';
import type { StreamName } from '../output-model.ts';
import { cutUtf8 } from './utf8-cut.ts';

/**
 * The stream text of a run on disk, as the kernel sent it: UTF-8, in order, lone surrogates as U+FFFD, at most
 * `maxBytes`. Pieces may end within a surrogate pair.
 */
export class StreamSpool {
  readonly #file: AppendFile;
  readonly #maxBytes: number;
  #kept: number;
  #sent: number;
  #limited = false;
  #halfPair = '';
  #name: StreamName | undefined;

  constructor(file: AppendFile, maxBytes: number, keptBytes: number) {
    this.#file = file;
    this.#maxBytes = maxBytes;
    this.#kept = keptBytes;
    this.#sent = keptBytes;
  }

  /** Undefined while nothing is kept. */
  get path(): string | undefined {
    return this.#kept > 0 ? this.#file.path : undefined;
  }
  get keptBytes(): number {
    return this.#kept;
  }
  get sentBytes(): number {
    return this.#sent;
  }
  get limited(): boolean {
    return this.#limited;
  }

  /** Returns what is to be shown of `text` (less at the limit), and the wait for the disk. */
  write(name: StreamName, text: string): { shown: string; written: Promise<void> } {
    const carried = (this.#name === name ? this.#halfPair : this.#takeHalfPair()) + text;
    this.#name = name;
    const half = /[\ud800-\udbff]$/.test(carried) ? carried.slice(-1) : '';
    this.#halfPair = half;
    const bytes = Buffer.from(half === '' ? carried : carried.slice(0, -1));
    this.#sent += bytes.length;
    const kept = this.#limited ? Buffer.alloc(0) : cutUtf8(bytes, this.#maxBytes - this.#kept);
    const whole = !this.#limited && kept.length === bytes.length;
    this.#limited ||= !whole;
    this.#kept += kept.length;
    return { shown: whole ? text : kept.toString(), written: this.#file.write(kept) };
  }

  async close(): Promise<void> {
    const half = this.#takeHalfPair();
    if (half !== '') await this.#file.write(Buffer.from(half));
    await this.#file.close();
  }

  /** Half a pair that never got its other half is a lone surrogate. */
  #takeHalfPair(): string {
    const half = this.#halfPair === '' ? '' : '\ufffd';
    this.#halfPair = '';
    return half;
  }
}
