import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { type KernelOutput, isStatus } from '../gateway/outputs.ts';
import {
  lossOf,
  lossOnDisk,
  type OutputLoss,
  type OutputPart,
  type OutputView,
} from '../output/output-view.ts';
import { SpoolFullError } from '../output/spool/spool.ts';
import type { Transcript } from '../output/transcript.ts';
import type { Notebook } from './model.ts';
import { noteJson, notebookText, noteText, type RanCell, recordedOutputs } from './nbformat.ts';
import { OutputRecord, type OutputRecordOptions, type RecordLoss } from './output-record.ts';

export interface NotebookTranscriptOptions extends OutputRecordOptions {
  /** The name under which the file is attached. */
  filename: string;
  /** The run is over, so the file is written at once. */
  hasEnded: boolean;
  /** How many cells were started by earlier processes. */
  cellsBegun: number;
  /** The posted notebook. */
  notebook: () => Promise<Notebook>;
  onFailure: (error: unknown) => void;
}

const MIME = 'application/x-ipynb+json';

interface WrittenFile {
  part: OutputPart & { kind: 'attachment' };
  bytes: number;
}

/** The transcript of a notebook run: the outputs of its cells are also recorded unchanged for the executed notebook. */
export async function openNotebookTranscript(
  inner: Transcript,
  options: NotebookTranscriptOptions,
): Promise<Transcript> {
  const transcript = new NotebookTranscript(inner, await OutputRecord.open(options), options);
  if (options.hasEnded) await transcript.seal();
  return transcript;
}

class NotebookTranscript implements Transcript {
  readonly #inner: Transcript;
  readonly #record: OutputRecord;
  readonly #options: NotebookTranscriptOptions;
  /** The latest file, valid while nothing has come since sealing. */
  #file: WrittenFile | undefined;
  #loss: OutputLoss | undefined;
  #isSealed = false;
  #versions = 0;

  constructor(inner: Transcript, record: OutputRecord, options: NotebookTranscriptOptions) {
    this.#inner = inner;
    this.#record = record;
    this.#options = options;
  }

  add(output: KernelOutput): void | Promise<void> {
    this.#isSealed = false;
    const recorded = this.#takeRecord(output);
    const taken = this.#inner.add(output);
    return recorded === undefined ? taken : Promise.all([recorded, taken]).then(() => undefined);
  }

  #takeRecord(output: KernelOutput): Promise<void> | undefined {
    const lost = lossWords(output);
    if (lost !== undefined) return this.#record.add(noteOf(lost));
    return isStatus(output) ? undefined : this.#record.add(output);
  }

  startBlock(code: string, block: number): void {
    this.#record.begin(block);
    this.#inner.startBlock(code, block);
  }

  noteEnd(kind: string): void {
    const words = END_WORDS[kind];
    if (words !== undefined) void this.#record.add(noteOf(words));
  }

  get lastKeptAtMs(): number | undefined {
    return this.#inner.lastKeptAtMs;
  }

  view(): OutputView {
    const view = this.#inner.view();
    const part = this.#isSealed ? this.#file?.part : undefined;
    const lost = this.#isSealed && this.#loss !== undefined ? [this.#loss] : [];
    if (part === undefined && lost.length === 0) return view;
    const { textBytes, spoolPath, limited, losses, console } = view;
    return {
      // The parts are made only when they are read.
      get parts() {
        return part === undefined ? view.parts : [...view.parts, part];
      },
      textBytes,
      spoolPath,
      limited,
      losses: [...losses, ...lost],
      console,
    };
  }

  async save(): Promise<void> {
    await Promise.all([this.#inner.save(), this.#record.close()]);
  }

  async seal(): Promise<void> {
    await this.#inner.seal();
    if (this.#isSealed) return;
    await this.#record.close();
    this.#isSealed = true;
    this.#loss = undefined;
    try {
      await this.#writeFile();
    } catch (error) {
      this.#loss = lossOnDisk(error);
      this.#options.onFailure(error);
    }
  }

  offer(giveUp: () => void): void {
    this.#inner.offer(giveUp);
  }

  async remove(): Promise<void> {
    await Promise.all([this.#inner.remove(), this.#record.remove()]);
    this.#file = undefined;
  }

  /** Uses a new name each time: the previous file may be uploading. */
  async #writeFile(): Promise<void> {
    const { filename } = this.#options;
    const { folder } = this.#record;
    const before = this.#file;
    this.#file = undefined;
    if (before !== undefined) await this.#removeFile(before);
    const notebook = await this.#options.notebook();
    this.#versions += 1;
    const path = folder.at(`${this.#versions}.ipynb`);
    const file = { part: { kind: 'attachment', filename, path, mime: MIME } as const, bytes: 0 };
    try {
      folder.begin();
      const text = notebookText(notebook, (number) => this.#ran(number));
      await pipeline(this.#counted(text, file), createWriteStream(path, { mode: 0o600 }));
      this.#file = file;
    } catch (error) {
      await this.#removeFile(file);
      throw error;
    }
  }

  /** Counts the file towards SPOOL_LIMIT. */
  async *#counted(pieces: AsyncIterable<string>, file: { bytes: number }): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      const bytes = Buffer.from(piece);
      if (!this.#record.folder.takeRoom(bytes.length)) throw new SpoolFullError();
      file.bytes += bytes.length;
      yield bytes;
    }
  }

  async #removeFile({ part, bytes }: WrittenFile): Promise<void> {
    this.#record.folder.giveRoom(bytes);
    await rm(part.path, { force: true });
  }

  #ran(number: number): RanCell | undefined {
    const cell = this.#record.cell(number);
    const { cellsBegun: begun } = this.#options;
    if (cell === undefined)
      return number < begun
        ? {
            count: null,
            outputs: [[noteJson('this cell ran; what it said is lost with the process that ran it')]],
          }
        : undefined;
    const { loss, streamsPath } = this.#record;
    const isLast = this.#record.cell(number + 1) === undefined;
    const cut = loss !== undefined && isLast ? [[noteJson(CUT_WORDS[loss])]] : [];
    return { count: cell.count, outputs: [...recordedOutputs(cell, streamsPath), ...cut] };
  }
}

/** Ends that the kernel does not report. */
const END_WORDS: Readonly<Record<string, string>> = {
  exited: 'the code ended its kernel here',
  kernelDied: 'the kernel’s process ended here',
  kernelRestarted: 'the kernel was restarted here',
  kernelGone: 'the kernel is gone from here on',
  gatewayAway: 'the gateway did not come back; the end of this cell was not seen',
  outputLost: 'how this cell ended is lost with the connection',
  unknown: 'it is not known whether this cell ran',
  timedOut: 'stopped by the time limit',
  inputTimedOut: 'stopped, because no input came',
};

function noteOf(words: string): KernelOutput & { kind: 'stream' } {
  return { kind: 'stream', name: 'stderr', text: noteText(words) };
}

const CUT_WORDS: Readonly<Record<RecordLoss, string>> = {
  maxOutput: 'the output reached its limit; what came after it is not here',
  spoolFull: 'the bot’s room for the output of all runs was full; what came after that is not here',
  diskFull: 'the bot’s disk took no more; what came after that is not here',
};

/** What is missing here, for events that report a loss. */
function lossWords(output: KernelOutput): string | undefined {
  const loss = lossOf(output);
  switch (loss?.kind) {
    case 'dropped':
      return 'some output was dropped by the gateway’s rate limit';
    case 'tooBig':
      return 'a message was too large to be taken';
    case 'unread':
      return 'an output could not be read';
    case 'gap':
      return `output may be missing between ${new Date(loss.fromMs).toISOString()} and ${new Date(loss.toMs).toISOString()}`;
    default:
      return undefined;
  }
}
