import type { Output } from '../gateway/outputs.ts';
import type { StreamName } from '../output/model/picture.ts';
import { Widgets } from '../output/model/widgets.ts';
import { lossOnDisk } from '../output/output-view.ts';
import { RunFolder } from '../output/spool/run-folder.ts';
import { readStored, SnapshotWriter } from '../output/spool/snapshot.ts';
import type { SpoolBudget } from '../output/spool/spool.ts';
import { StreamSpool } from '../output/spool/stream-spool.ts';
import { InOrder } from '../waits.ts';
import { CellOutputs, type CellsPicture, MAX_OUTPUTS, type RecordedCell } from './cell-outputs.ts';
import { outputPieces, noteJson } from './nbformat.ts';

export interface OutputRecordOptions {
  /** A folder for this run alone, created for the first cell. */
  dir: string;
  /** MAX_OUTPUT, which counts the current outputs. */
  maxOutputBytes: number;
  /** The limit for all runs together; by default there is none. */
  budget?: SpoolBudget | undefined;
  /** Continues with what an earlier process has written. */
  recovered: boolean;
}

/** Why outputs are no longer kept. */
export type RecordLoss = 'maxOutput' | ReturnType<typeof lossOnDisk>['kind'];

/**
 * The outputs of a notebook's cells on the disk, unchanged but for widgets, which are words. They are stored like those of
 * an answer: stream text in the spool, every other output in its own file, and a snapshot of the current state. Memory
 * holds only their places.
 */
export class OutputRecord {
  readonly folder: RunFolder;
  readonly #cells = new CellOutputs();
  readonly #widgets = new Widgets();
  readonly #spool: StreamSpool;
  readonly #snapshots: SnapshotWriter<CellsPicture>;
  /** A long output is written in turns; later outputs wait for it. */
  readonly #inOrder = new InOrder((error) => this.#failed(error));
  #failure: RecordLoss | undefined;

  constructor({ dir, maxOutputBytes, budget, recovered }: OutputRecordOptions) {
    this.folder = new RunFolder(dir, maxOutputBytes, recovered, this.#failed, budget, MAX_OUTPUTS);
    this.#spool = new StreamSpool(this.folder);
    this.#snapshots = new SnapshotWriter(
      this.folder,
      this.#spool,
      () => this.#cells.picture,
      (save) => void this.#inOrder.run(save),
    );
  }

  static async open(options: OutputRecordOptions): Promise<OutputRecord> {
    const record = new OutputRecord(options);
    if (options.recovered) await record.#inOrder.run(() => record.#recover());
    return record;
  }

  /** Outputs after the first loss are dropped, because they would be out of order. */
  get loss(): RecordLoss | undefined {
    const isFull = this.#spool.isCut || this.folder.isFull || this.#cells.isFull;
    return this.#failure ?? (isFull ? 'maxOutput' : undefined);
  }

  /** By the cell's number (from 0) among those that run; undefined if it did not run. */
  cell(number: number): RecordedCell | undefined {
    return this.#cells.get(number);
  }

  /** The file with the text of all streams; undefined if there is none. */
  get streamsPath(): string | undefined {
    return this.#spool.path;
  }

  /**
   * Makes this the current cell. This is stored before the cell's output, which would otherwise belong to another cell.
   */
  begin(cell: number): void {
    void this.#inOrder.run(async () => {
      this.#cells.begin(cell);
      await this.#saveNow();
    });
  }

  /** Takes the next output; if it returns a promise, wait for the disk. Never rejects. */
  add(output: Output): Promise<void> | undefined {
    return this.#inOrder.run(() => this.#takeAll(this.#widgets.read(output, performance.now()) ?? [output]));
  }

  async #takeAll(outputs: readonly Output[]): Promise<void> {
    for (const output of outputs) await this.#take(output);
  }

  async #take(output: Output): Promise<void> {
    switch (output.kind) {
      case 'counted':
        this.#cells.setCount(output.executionCount);
        return await this.#saveNow();
      case 'stream':
        return await this.#addStream(output.name, output.text);
      case 'clear':
        this.#cells.clear(output.wait);
        return await this.#changed();
      case 'updateDisplay': {
        const { displayId } = output;
        const path = this.#cells.has(displayId) ? await this.#write(output) : undefined;
        if (path === undefined) return;
        this.#cells.update(displayId, path);
        return await this.#changed();
      }
      case 'result':
      case 'display':
      case 'error': {
        const path = await this.#write(output);
        if (path === undefined) return;
        this.#cells.show(path, output.kind === 'error' ? undefined : output.displayId);
        return await this.#changed();
      }
      case 'widget':
        return this.#cells.enter(output);
      case 'page':
      case 'nextInput':
      case 'inputRequest':
      case 'comm':
      case 'unreadable':
    }
  }

  /** Writes everything to the disk and closes the files until more output comes. */
  async close(): Promise<void> {
    await this.#inOrder.run(async () => {
      await this.#takeAll(this.#widgets.updates());
      await this.#spool.close();
      await this.#snapshots.save();
    });
  }

  /** Never rejects. */
  async remove(): Promise<void> {
    await this.#inOrder.run(async () => {
      this.#snapshots.stop();
      await this.#spool.close();
      await this.folder.remove();
    });
  }

  async #addStream(name: StreamName, text: string): Promise<void> {
    if (text === '' || this.loss !== undefined) return;
    const from = this.#spool.keptBytes;
    const { written } = this.#spool.write(name, text);
    const to = this.#spool.keptBytes;
    if (to > from && this.#cells.stream(name, { from, to })) this.#noteChange();
    await written;
    await this.#snapshots.saveInTime();
  }

  /** Writes an output to a file and returns its path; undefined if it is not kept. */
  async #write(output: Parameters<typeof outputPieces>[0]): Promise<string | undefined> {
    if (this.loss !== undefined) return undefined;
    const pieces = await this.#piecesOf(output);
    return await this.folder.write('output.json', Buffer.concat(pieces.map((piece) => Buffer.from(piece))));
  }

  async #piecesOf(output: Parameters<typeof outputPieces>[0]): Promise<string[]> {
    try {
      return await outputPieces(output, this.#cells.count);
    } catch {
      return [noteJson('an output is nested too deeply to be written')];
    }
  }

  async #changed(): Promise<void> {
    this.#noteChange();
    await this.#snapshots.saveInTime();
  }

  #noteChange(): void {
    this.#snapshots.note();
    this.folder.release(this.#cells.takeDropped());
  }

  async #saveNow(): Promise<void> {
    this.#snapshots.note();
    await this.#snapshots.save();
  }

  async #recover(): Promise<void> {
    const { snapshot, streamBytes } = (await readStored<CellsPicture>(this.folder)) ?? {};
    if (streamBytes === undefined) return;
    this.#spool.recover(streamBytes, snapshot?.source);
    if (snapshot !== undefined) {
      const { at, source = 'stdout', picture } = snapshot;
      this.#cells.restore(picture, streamBytes);
      if (streamBytes > at) this.#cells.stream(source, { from: at, to: streamBytes });
    }
    await this.folder.recover(this.#cells.files, []);
    this.#cells.takeDropped();
  }

  readonly #failed = (error: unknown): void => {
    // The transcript of the answer, on the same disk, logs it.
    this.#failure ??= lossOnDisk(error).kind;
  };
}
