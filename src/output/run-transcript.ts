import { join } from 'node:path';
import { giveTurn } from '../gateway/event-loop.ts';
import type { KernelOutput } from '../gateway/outputs.ts';
import { InOrder } from '../waits.ts';
import type { SentError } from './errors/kernel-error.ts';
import { unshownInR } from './errors/r-error.ts';
import { readError, withoutConnectionFile } from './errors/read-error.ts';
import { OutputModel } from './model/output-model.ts';
import { type Picture, type Shown, type StreamName } from './model/picture.ts';
import { Widgets } from './model/widgets.ts';
import { lossOf, lossOnDisk, type OutputLoss, type OutputPart, type OutputView } from './output-view.ts';
import { FinalFiles } from './spool/final-files.ts';
import { PartFiles } from './spool/part-files.ts';
import { RunFolder } from './spool/run-folder.ts';
import { recover, SnapshotWriter } from './spool/snapshot.ts';
import { StreamSpool } from './spool/stream-spool.ts';
import { ConsoleBarReader } from './terminal/console-bar.ts';
import { PIECE_CHARS, piecesOf } from './terminal/terminal-reader.ts';
import type { Transcript, TranscriptOptions } from './transcript.ts';

type MakeParts = (made: PartFiles) => Promise<Shown>;

export async function openTranscript(options: TranscriptOptions): Promise<Transcript> {
  return await new RunTranscript(options).recover();
}

/** The output of one run: bounded in memory, complete on the disk. */
class RunTranscript implements Transcript {
  readonly #folder: RunFolder;
  readonly #options: TranscriptOptions;
  readonly #model = new OutputModel();
  readonly #widgets = new Widgets();
  readonly #inOrder = new InOrder((error) => this.#failed(error));
  readonly #spool: StreamSpool;
  readonly #finalFiles: FinalFiles;
  readonly #snapshots: SnapshotWriter<Picture>;
  readonly #consoleBar: ConsoleBarReader | undefined;
  #code: string | undefined;
  /** The final parts, valid while nothing has come since sealing. */
  #sealed: OutputPart[] | undefined;
  #view: OutputView | undefined;
  #hasDiskFailed = false;
  lastKeptAtMs: number | undefined;

  constructor(options: TranscriptOptions) {
    const { dir, runId, maxOutputBytes, recovered = false, readsConsoleBar = false, budget } = options;
    this.#options = options;
    this.#consoleBar = readsConsoleBar ? new ConsoleBarReader() : undefined;
    this.#folder = new RunFolder(join(dir, runId), maxOutputBytes, recovered, this.#diskFailed, budget);
    this.#spool = new StreamSpool(this.#folder);
    this.#finalFiles = new FinalFiles(this.#folder);
    this.#snapshots = new SnapshotWriter(
      this.#folder,
      this.#spool,
      () => this.#model.picture,
      (save) => void this.#inOrder.run(save),
    );
  }

  add(output: KernelOutput): void | Promise<void> {
    const inWords = this.#widgets.read(output, performance.now());
    return inWords === undefined ? this.#add(output) : this.#addAll(inWords);
  }

  async #addAll(outputs: readonly KernelOutput[]): Promise<void> {
    for (const output of outputs) await this.#add(output);
  }

  #add(output: KernelOutput): void | Promise<void> {
    if (output.kind === 'updateDisplay') return this.#updateDisplay(output);
    return this.#inOrder.run(() => this.#take(output));
  }

  startBlock(code: string, block: number): void {
    this.#code = code;
    void this.#inOrder.run(() => this.#model.startBlock(block));
    this.#consoleBar?.startBlock();
    this.#view = undefined;
  }

  view(): OutputView {
    return (this.#view ??= this.#makeView());
  }

  #makeView(): OutputView {
    const model = this.#model;
    let parts: readonly OutputPart[] | undefined = this.#sealed;
    return {
      get parts() {
        return (parts ??= model.parts);
      },
      textBytes: this.#spool.sentBytes,
      spoolPath: this.#spool.path,
      limited: this.#spool.isCut || this.#folder.isFull,
      losses: this.#sealed === undefined ? model.losses : this.#finalFiles.complete(model.losses),
      console: this.#consoleBar?.progress,
    };
  }

  async save(): Promise<void> {
    await this.#addAll(this.#widgets.updates());
    await this.#inOrder.run(() => this.#snapshots.save());
  }

  async seal(): Promise<void> {
    await this.#addAll(this.#widgets.updates());
    await this.#inOrder.run(async () => {
      await this.#write('stderr', this.#consoleBar?.end() ?? '');
      await this.#spool.close();
      this.#sealed ??= await this.#finalFiles.make(this.#model, this.#spool.path);
      this.#view = undefined;
      await this.#snapshots.save();
    });
  }

  offer(giveUp: () => void): void {
    this.#folder.offer(giveUp);
  }

  async remove(): Promise<void> {
    this.#options.displays?.forget(this.#options.runId);
    await this.#inOrder.run(async () => {
      this.#snapshots.stop();
      await this.#spool.close();
      await this.#folder.remove();
    });
  }

  /** Restores the output from what a dead process left on the disk, and makes its final files. */
  async recover(): Promise<this> {
    const found = this.#options.recovered === true ? await recover(this.#folder, this.#model) : undefined;
    if (found === undefined) return this;
    this.lastKeptAtMs = found.keptAtMs;
    this.#spool.recover(found.streamBytes, found.snapshot?.source);
    await this.seal();
    return this;
  }

  #take(output: KernelOutput): Promise<void> | undefined {
    switch (output.kind) {
      case 'stream': {
        const unshown = output.name === 'stderr' ? unshownInR(output.text) : undefined;
        if (unshown !== undefined) return this.#takeError(unshown);
        return this.#takeStream(output.name, withoutConnectionFile(output.text));
      }
      case 'result':
      case 'display':
        return this.#takeParts((made) => made.addBundle(output.data, 'result'), output.displayId);
      case 'clear':
        this.#model.clear(output.wait);
        return this.#changed();
      case 'error':
        return this.#takeError(output);
      case 'page':
        return this.#takeParts((made) => made.addBundle(output.data, 'pager'));
      case 'nextInput':
        return this.#takeParts((made) => made.addText('nextInput', output.text));
      case 'widget':
        this.#model.enter(output);
        return undefined;
      default:
        return this.#lose(lossOf(output));
    }
  }

  #failed(error: unknown): void {
    // Node's I/O errors name the system call
    if (error instanceof Error && 'syscall' in error) return this.#diskFailed(error);
    void this.#lose({ kind: 'unread', outputs: 1 });
    this.#options.onUnread?.(error);
  }

  /** Records a loss; the parts do not change. */
  #lose(loss: OutputLoss | undefined): Promise<void> | undefined {
    if (loss === undefined) return undefined;
    this.#model.addLoss(loss);
    this.#view = undefined;
    this.#snapshots.note();
    return this.#snapshots.saveInTime();
  }

  async #takeStream(name: StreamName, text: string): Promise<void> {
    const reader = name === 'stderr' ? this.#consoleBar : undefined;
    for (const piece of piecesOf(text, PIECE_CHARS)) await this.#write(name, reader?.take(piece) ?? piece);
    this.#folder.release(this.#model.takeDropped());
    await this.#snapshots.saveInTime();
  }

  async #write(name: StreamName, piece: string): Promise<void> {
    // A console bar changes the view even if none of its text remains.
    this.#view = undefined;
    if (piece === '') return await giveTurn();
    const { keptBytes: from, source = 'stdout' } = this.#spool;
    if (source !== name) this.#snapshots.note();
    const { shown, written } = this.#spool.write(name, piece);
    this.#model.stream(name, shown, { from, to: this.#spool.keptBytes });
    this.#sealed = undefined;
    await written;
    await giveTurn();
  }

  async #takeParts(make: MakeParts, displayId?: string, printed = ''): Promise<void> {
    const shown = await make(new PartFiles(this.#folder));
    this.#model.show(shown, displayId, printed);
    await this.#changed();
    if (displayId !== undefined) this.#options.displays?.keep(displayId, this.#options.runId);
  }

  async #takeError(sent: SentError): Promise<void> {
    const error = readError(sent, this.#code, this.#model.lastOnStderr);
    await this.#takeParts((made) => made.addError(error), undefined, error.printed);
  }

  /** The update of another run's display is not awaited in this run's order: that run may be waiting for this one. */
  async #updateDisplay(output: KernelOutput & { kind: 'updateDisplay' }): Promise<void> {
    const { displayId, data } = output;
    const make: MakeParts = (made) => made.addBundle(data, 'result');
    const found = { isOwn: true };
    await this.#inOrder.run(async () => {
      found.isOwn = this.#model.has(displayId) || this.#model.hasOverflown(displayId);
      if (!found.isOwn) return;
      if (!this.#model.has(displayId)) return this.#takeParts(make, displayId);
      this.#model.update(displayId, await make(new PartFiles(this.#folder)));
      await this.#changed();
    });
    const updated = found.isOwn ? undefined : this.#options.displays?.update(this.#options.runId, output);
    if (updated !== undefined) await updated.catch((error: unknown) => this.#failed(error));
  }

  /** The output has changed: releases unused files, and joins the texts that are no longer shown separately. */
  async #changed(): Promise<void> {
    this.#sealed = undefined;
    this.#view = undefined;
    this.#snapshots.note();
    this.#folder.release(this.#model.takeDropped());
    const { overflow } = this.#model;
    for (const [kind, text] of this.#model.takeOverflown())
      overflow[kind] = await this.#folder.move(text, `more-${kind}.txt`, overflow[kind]);
    await this.#snapshots.saveInTime();
    await giveTurn();
  }

  readonly #diskFailed = (error: unknown): void => {
    this.#model.addLoss(lossOnDisk(error));
    this.#view = undefined;
    if (!this.#hasDiskFailed) this.#options.onDiskFailure?.(error);
    this.#hasDiskFailed = true;
  };
}
