import { rm } from 'node:fs/promises';
import type { Output } from '../gateway/outputs.ts';
import type { SpoolBudget } from '../output/spool/spool-budget.ts';
import { Turns } from '../output/turns.ts';
import { outputPieces } from './nbformat.ts';
import { RecordDisk } from './record-disk.ts';
import { RecordIndex, type RecordedCell, type RecordStep } from './record-index.ts';
import { noteJson } from './write.ts';

/** Bytes that may wait for the disk before the writer is asked to wait too. */
const HIGH_WATER_BYTES = 1_000_000;

export interface OutputRecordOptions {
  /** A folder of its own, made with the first output. */
  dir: string;
  /** MAX_OUTPUT counts what stands. */
  maxBytes: number;
  /** What all runs may have on the disk together. */
  budget: SpoolBudget;
  /** Goes on with what an earlier process has written. */
  recovered: boolean;
}

/** Why outputs are not kept. */
export type RecordLoss = 'maxOutput' | 'spoolLimit' | 'disk';

/**
 * The outputs of a notebook's cells as the kernel gave them, on the disk: stream text in one file that grows, each other
 * output in a file of its own, and the steps from which the picture of them is made again after a crash. Memory holds
 * where they are.
 */
export class OutputRecord {
  readonly #options: OutputRecordOptions;
  readonly #index = new RecordIndex();
  readonly disk: RecordDisk;
  /** A long output is written in turns; what comes behind it stays behind it. */
  readonly #turns = new Turns(() => (this.disk.hasFailed = true));
  #streamBytes = 0;
  #files = 0;
  #countedBytes = 0;
  #refused: 'maxOutput' | 'spoolLimit' | undefined;

  constructor(options: OutputRecordOptions) {
    this.#options = options;
    this.disk = new RecordDisk(
      options.dir,
      () => this.#index.steps(),
      () => this.#takeReplaced(),
    );
  }

  static async open(options: OutputRecordOptions): Promise<OutputRecord> {
    const record = new OutputRecord(options);
    if (options.recovered) await record.#recover();
    else
      await rm(options.dir, { recursive: true, force: true }).catch(() => {
        record.disk.hasFailed = true;
      });
    return record;
  }

  /** What comes after the first loss is not looked at: it would be out of order. */
  get loss(): RecordLoss | undefined {
    return this.#refused ?? (this.disk.hasFailed ? 'disk' : undefined);
  }

  /** By the number of the cell among those that run, from 0; undefined for one that did not. */
  cell(number: number): RecordedCell | undefined {
    return this.#index.cells.get(number);
  }

  /** What comes from now on belongs to this cell. */
  begin(cell: number): void {
    void this.#turns.take(async () => {
      if (this.#index.current !== cell) this.#step({ op: 'cell', cell });
    });
  }

  /** Takes the next output; a promise asks to wait for the disk. Never rejects. */
  add(output: Output): Promise<void> | undefined {
    return this.#turns.take(async () => {
      await this.#take(output);
      if (this.disk.pendingBytes > HIGH_WATER_BYTES) await this.disk.flush();
    });
  }

  async #take(output: Output): Promise<void> {
    switch (output.kind) {
      case 'counted':
        this.#step({ op: 'count', count: output.executionCount });
        break;
      case 'stream':
        this.#addStream(output.name, output.text);
        break;
      case 'clear':
        this.#step({ op: 'clear', wait: output.wait });
        break;
      case 'updateDisplay': {
        const { displayId: id } = output;
        if (!this.#index.has(id)) return;
        return await this.#addFile(output, (file, bytes) => ({ op: 'update', id, file, bytes }));
      }
      case 'result':
      case 'display': {
        const shown = output.displayId === undefined ? {} : { id: output.displayId };
        return await this.#addFile(output, (file, bytes) => ({ op: 'out', file, bytes, ...shown }));
      }
      case 'error':
        return await this.#addFile(output, (file, bytes) => ({ op: 'out', file, bytes }));
      case 'page':
      case 'nextInput':
      case 'inputRequest':
      case 'comm':
      case 'widget':
      case 'unreadable':
        break;
    }
  }

  /** All is on the disk, and no file is open until something more comes. */
  async close(): Promise<void> {
    await this.#turns.take(() => this.disk.close());
  }

  /** Rejects never. */
  async remove(): Promise<void> {
    await this.#turns.take(async () => {
      await this.disk.remove().catch(() => undefined);
      this.#options.budget.count(-this.#countedBytes);
      this.#countedBytes = 0;
    });
  }

  #addStream(name: 'stdout' | 'stderr', text: string): void {
    const bytes = Buffer.from(text.toWellFormed());
    if (bytes.length === 0 || !this.#takeRoom(bytes.length, 0)) return;
    if (!this.#index.continues(name)) this.#step({ op: 'stream', name, at: this.#streamBytes });
    this.#streamBytes += bytes.length;
    this.#index.grow(this.#streamBytes);
    this.disk.addStreamText(bytes);
  }

  async #addFile(
    output: Output & { kind: 'result' | 'display' | 'updateDisplay' | 'error' },
    stepOf: (file: number, bytes: number) => RecordStep,
  ): Promise<void> {
    const json = await this.#jsonOf(output);
    const bytes = json.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
    const replaced = output.kind === 'updateDisplay' ? this.#index.sizeOf(output.displayId) : 0;
    if (!this.#takeRoom(bytes, replaced)) return;
    this.#files += 1;
    this.disk.addFile(this.#files, json, bytes);
    this.#step(stepOf(this.#files, bytes));
  }

  async #jsonOf(output: Parameters<typeof outputPieces>[0]): Promise<string[]> {
    try {
      return await outputPieces(output, this.#index.count);
    } catch {
      return [noteJson('an output is nested too deeply to be written')];
    }
  }

  #takeRoom(bytes: number, replaced: number): boolean {
    const { maxBytes, budget } = this.#options;
    if (this.loss !== undefined) return false;
    const counted = this.#streamBytes + this.#index.fileBytes - replaced;
    if (this.#index.outputs >= RecordIndex.MAX_OUTPUTS || counted + bytes > maxBytes)
      this.#refused = 'maxOutput';
    else if (budget.roomFor(bytes) < bytes) this.#refused = 'spoolLimit';
    if (this.#refused !== undefined) return false;
    this.#count(bytes);
    return true;
  }

  #count(bytes: number): void {
    this.#countedBytes += bytes;
    this.#options.budget.count(bytes);
  }

  #step(step: RecordStep): void {
    this.#index.apply(step);
    this.disk.addStep(step);
  }

  #takeReplaced(): number[] {
    const replaced = this.#index.takeReplaced();
    for (const { bytes } of replaced) this.#count(-bytes);
    return replaced.map(({ file }) => file);
  }

  async #recover(): Promise<void> {
    const { steps, streamBytes } = await this.disk.recover();
    for (const step of steps) {
      this.#index.apply(step);
      if ('file' in step) this.#files = Math.max(this.#files, step.file);
    }
    this.#streamBytes = streamBytes;
    this.#index.grow(streamBytes);
    this.#index.takeReplaced();
    this.#count(streamBytes + this.#index.fileBytes);
  }
}
