import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { KernelOutput } from '../gateway/outputs.ts';
import { AppendFile } from './spool/append-file.ts';
import type { Displays } from './displays.ts';
import { readError } from './errors/read-error.ts';
import { OutputFold, type FoldStep, type StreamName } from './output-model.ts';
import { JournalFile } from './spool/journal-file.ts';
import { KeptFiles } from './spool/stored-files.ts';
import { readJournal } from './spool/output-journal.ts';
import { type OutputPart, type OutputView } from './output-view.ts';
import { LastForm } from './spool/final-files.ts';
import { PartFiles } from './spool/part-files.ts';
import { replaySpool } from './spool/replay-spool.ts';
import { RunFolder } from './spool/run-folder.ts';
import { StreamSpool } from './spool/stream-spool.ts';

/** What one run said: folded in bounded memory for the answer, whole on disk for the files. */
export interface Transcript {
  /**
   * Takes the next output. A promise asks the caller to wait before the next one (the disk is behind, or a long text
   * is being folded in turns); outputs given meanwhile keep their order. Never rejects.
   */
  add(output: KernelOutput): void | Promise<void>;
  /** The code that runs from now on, to find the lines that errors speak of. */
  startBlock(code: string): void;
  /** MAX_OUTPUT was reached. */
  readonly limited: boolean;
  /** The picture at this moment; cheap. */
  view(): OutputView;
  /** When the bot that died last kept something (ms since the epoch); undefined when there was none. */
  readonly lastKeptAtMs: number | undefined;
  /** All is on disk and every part has its last form. Output may still be added afterwards (late output). */
  seal(): Promise<void>;
  /** Deletes the files. */
  remove(): Promise<void>;
}

export interface TranscriptOptions {
  /** Directory of all runs' output; this run's files stand below it in a directory named by the run. */
  dir: string;
  runId: string;
  maxOutputBytes: number;
  /** Displays of earlier runs in this kernel, which this run may update. */
  displays?: Displays;
  /** Told once when the disk takes no more, with its reason. */
  onDiskFailure?: (error: unknown) => void;
  /** Told of each output that could not be read. */
  onUnread?: (error: unknown) => void;
  /** Go on with what an earlier process kept of this run. Otherwise leftovers are deleted. */
  recovered?: boolean;
}

const spoolFile = 'output.txt';

/** Stream text is folded in pieces of this many UTF-16 units, with a turn for others whenever `turnMs` are used up. */
const pieceChars = 65_536;
const turnMs = 15;

export async function openTranscript(options: TranscriptOptions): Promise<Transcript> {
  const transcript = new RunTranscript(options);
  if (options.recovered === true) await transcript.replay();
  return transcript;
}

class RunTranscript implements Transcript {
  readonly #folder: RunFolder;
  readonly #options: TranscriptOptions;
  readonly #fold = new OutputFold();
  readonly #kept: KeptFiles;
  readonly #files: PartFiles;
  readonly #lastForm: LastForm;
  readonly #journal: JournalFile;
  #spool: StreamSpool;
  #code: string | undefined;
  #source: StreamName | undefined;
  /** The work that has to end before the next output is taken. */
  #busy: Promise<void> | undefined;
  /** The parts in their last form, while nothing came after sealing. */
  #sealed: OutputPart[] | undefined;
  #hasDiskFailed = false;
  /** Outputs so far. */
  #added = 0;
  #turnedAt = performance.now();
  lastKeptAtMs: number | undefined;

  constructor(options: TranscriptOptions) {
    this.#folder = new RunFolder(join(options.dir, options.runId), options.recovered === true);
    this.#options = options;
    this.#journal = new JournalFile(this.#folder, this.#diskFailed);
    this.#spool = this.#openSpool(0);
    this.#kept = new KeptFiles(this.#folder, options.maxOutputBytes, this.#diskFailed);
    this.#files = new PartFiles(this.#kept);
    this.#lastForm = new LastForm(this.#folder, this.#files, this.#kept, this.#diskFailed);
  }

  add(output: KernelOutput): void | Promise<void> {
    this.#sealed = undefined;
    this.#added += 1;
    const work = this.#busy === undefined ? this.#take(output) : this.#busy.then(() => this.#take(output));
    return work === undefined ? undefined : this.#occupy(work);
  }

  /** What comes meanwhile waits for the end of this. */
  #occupy(work: Promise<void>): Promise<void> {
    const settled = this.#settle(work).finally(() => {
      if (this.#busy === settled) this.#busy = undefined;
    });
    this.#busy = settled;
    return settled;
  }

  startBlock(code: string): void {
    this.#code = code;
  }

  get limited(): boolean {
    return this.#spool.limited || this.#kept.limited;
  }

  view(): OutputView {
    return {
      parts: this.#sealed ?? this.#fold.parts,
      textBytes: this.#spool.sentBytes,
      textLines: this.#fold.streamLines,
      spoolPath: this.#spool.path,
      limited: this.limited,
      losses: this.#lastForm.complete(this.#fold.losses),
    };
  }

  async seal(): Promise<void> {
    await this.#busy;
    // what is attached holds what stands, and nothing else
    if (this.#kept.hasDead)
      await this.#occupy((this.#busy ?? Promise.resolve()).then(() => this.#beginAnew()));
    await Promise.all([this.#spool.close(), this.#journal.close()]);
    if (this.#sealed !== undefined) return;
    const added = this.#added;
    const parts = await this.#lastForm.make(this.#fold, this.#spool.path);
    if (this.#added === added) this.#sealed = parts;
  }

  async remove(): Promise<void> {
    this.#options.displays?.forget(this.#options.runId);
    await this.#busy;
    await Promise.all([this.#spool.close(), this.#journal.close()]);
    await rm(this.#folder.path, { recursive: true, force: true });
  }

  /** Makes the picture again from the journal and the spool of a process that died. */
  async replay(): Promise<void> {
    const content = await readFile(this.#journal.path, 'utf8').catch(() => '');
    const kept = await stat(this.#folder.at(spoolFile)).catch(() => undefined);
    const journal = await stat(this.#journal.path).catch(() => undefined);
    if (kept === undefined && journal === undefined) return;
    this.lastKeptAtMs = Math.max(kept?.mtimeMs ?? 0, journal?.mtimeMs ?? 0);
    this.#source = await replaySpool(
      this.#folder.at(spoolFile),
      kept?.size ?? 0,
      readJournal(content),
      this.#fold,
    );
    this.#spool = this.#openSpool(kept?.size ?? 0);
    await this.#kept.recover(this.#fold);
    this.#fold.takeDropped();
  }

  #take(output: KernelOutput): Promise<void> | undefined {
    switch (output.kind) {
      case 'stream':
        return this.#takeStream(output.name, output.text);
      case 'result':
      case 'display':
        this.#kept.replace(this.#fold.partsReplacedBy(undefined));
        return this.#takeParts(this.#files.keepBundle(output.data), output.displayId);
      case 'updateDisplay':
        return this.#updateDisplay(output);
      case 'clear':
        return this.#apply({ kind: 'clear', wait: output.wait });
      case 'error':
        return this.#takeError(output);
      case 'page':
        return this.#takeParts(this.#files.keepPage(output.data));
      case 'nextInput':
        return this.#takeParts(this.#files.keepText('nextInput', output.text));
      case 'dropped':
        return this.#apply({ kind: 'loss', loss: { kind: 'dropped', limit: output.limit } });
      case 'tooBig':
        return this.#apply({ kind: 'loss', loss: { kind: 'tooBig', messages: 1 } });
      case 'unreadable':
        return this.#apply({ kind: 'loss', loss: { kind: 'unread', outputs: 1 } });
      case 'reconnected':
        if (!output.gap) break;
        return this.#apply({ kind: 'loss', loss: { kind: 'gap', fromMs: output.fromMs, toMs: output.toMs } });
      default:
        break;
    }
    return undefined;
  }

  async #settle(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (isOfDisk(error)) return this.#diskFailed(error);
      this.#fold.apply({ kind: 'loss', loss: { kind: 'unread', outputs: 1 } });
      this.#options.onUnread?.(error);
    }
  }

  async #takeStream(name: StreamName, text: string): Promise<void> {
    for (let at = 0; at < text.length; at += pieceChars) {
      if (this.#source !== name) {
        this.#source = name;
        void this.#journal.note({ at: this.#spool.keptBytes, source: name });
      }
      const from = this.#spool.keptBytes;
      const { shown, written } = this.#spool.write(name, text.slice(at, at + pieceChars));
      this.#fold.stream(name, shown, { from, to: this.#spool.keptBytes });
      await written;
      await this.#giveTurn();
    }
    await this.#kept.forget(this.#fold.takeDropped());
  }

  /** Many outputs in a row would keep everybody else waiting: promises alone give no turn. */
  async #giveTurn(): Promise<void> {
    if (performance.now() - this.#turnedAt < turnMs) return;
    await nextTurn();
    this.#turnedAt = performance.now();
  }

  async #takeParts(kept: Promise<OutputPart[]>, displayId?: string): Promise<void> {
    const parts = await kept;
    await this.#apply({ kind: 'show', parts, displayId });
    if (displayId !== undefined) this.#options.displays?.keep(displayId, this.#options.runId, this);
  }

  async #takeError(output: KernelOutput & { kind: 'error' }): Promise<void> {
    const error = readError(output, this.#code, output.fromReply ? this.#fold.lastOnStderr : '');
    const parts = await this.#files.keepError(error);
    const { printed } = error;
    await this.#apply({ kind: 'show', parts, ...(printed === '' ? {} : { printed }) });
  }

  async #updateDisplay(output: KernelOutput & { kind: 'updateDisplay' }): Promise<void> {
    if (this.#fold.hasCrowdedOut(output.displayId) && !this.#fold.has(output.displayId))
      return this.#takeParts(this.#files.keepBundle(output.data), output.displayId);
    if (!this.#fold.has(output.displayId)) {
      await this.#options.displays?.update(this, output);
      return;
    }
    const { displayId } = output;
    this.#kept.replace(this.#fold.partsReplacedBy(displayId));
    const parts = await this.#files.keepBundle(output.data);
    await this.#apply({ kind: 'update', displayId, parts });
  }

  async #apply(step: FoldStep): Promise<void> {
    this.#fold.apply(step);
    await this.#journal.note({ at: this.#spool.keptBytes, step });
    await this.#kept.forget(this.#fold.takeDropped());
    if (this.#journal.isLong || this.#kept.isWorn) await this.#beginAnew();
    await this.#giveTurn();
  }

  /**
   * What was replaced or cleared goes from the disk: the texts that stand are written anew, and the journal begins with
   * the picture as it is.
   */
  async #beginAnew(): Promise<void> {
    try {
      await this.#kept.rewrite(this.#fold);
      const picture = this.#fold.picture;
      await this.#journal.beginAnew({ at: this.#spool.keptBytes, picture, last: this.#source });
      await this.#kept.forgetOld();
    } catch (error) {
      this.#diskFailed(error);
    }
  }

  #openSpool(keptBytes: number): StreamSpool {
    const file = new AppendFile(this.#folder, spoolFile, this.#diskFailed);
    return new StreamSpool(file, this.#options.maxOutputBytes, keptBytes);
  }

  readonly #diskFailed = (error: unknown): void => {
    this.#fold.apply({ kind: 'loss', loss: { kind: 'diskFull' } });
    if (!this.#hasDiskFailed) this.#options.onDiskFailure?.(error);
    this.#hasDiskFailed = true;
  };
}

/** Node names the call of the system that failed. */
function isOfDisk(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
