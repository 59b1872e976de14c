import { type FileHandle, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toJson } from './nbformat.ts';
import { type RecordStep, readStep } from './record-index.ts';

/** Steps on the disk that are written anew as the few that still count. */
const MAX_STEPS = 50_000;
const STEPS_FILE = 'steps.ndjson';
const STREAMS_FILE = 'streams.txt';

/** What is to be written next. */
interface Batch {
  steps: string[];
  streams: Buffer[];
  files: { file: number; json: readonly string[] }[];
  bytes: number;
}

/** The files of an output record. What was given is written in order, while more may be given. */
export class RecordDisk {
  readonly dir: string;
  readonly #remainingSteps: () => RecordStep[];
  readonly #takeReplaced: () => readonly number[];
  #steps: FileHandle | undefined;
  #streams: FileHandle | undefined;
  #batch = emptyBatch();
  #work: Promise<void> | undefined;
  #isMade = false;
  #stepsWritten = 0;
  /** It took no more; what is given from then on is dropped. */
  hasFailed = false;

  /** `remainingSteps`: the fewest that lead to what stands; `takeReplaced` gives the files that nothing shows any more. */
  constructor(dir: string, remainingSteps: () => RecordStep[], takeReplaced: () => readonly number[]) {
    this.dir = dir;
    this.#remainingSteps = remainingSteps;
    this.#takeReplaced = takeReplaced;
  }

  get pendingBytes(): number {
    return this.#batch.bytes;
  }

  get streamsPath(): string {
    return join(this.dir, STREAMS_FILE);
  }

  pathOf(file: number): string {
    return join(this.dir, `${file}.json`);
  }

  addStep(step: RecordStep): void {
    const line = `${toJson(step)}\n`;
    this.#batch.steps.push(line);
    this.#batch.bytes += line.length;
    void this.#writeSoon();
  }

  addStreamText(text: Buffer): void {
    this.#batch.streams.push(text);
    this.#batch.bytes += text.length;
    void this.#writeSoon();
  }

  /** `json`: in pieces that come to so many bytes. */
  addFile(file: number, json: readonly string[], bytes: number): void {
    this.#batch.files.push({ file, json });
    this.#batch.bytes += bytes;
    void this.#writeSoon();
  }

  /** Resolves when all is on the disk, or the disk has refused. */
  async flush(): Promise<void> {
    while (this.#work !== undefined || this.#batch.bytes > 0) await this.#writeSoon();
  }

  /** The same, and no file is open until something more is given. */
  async close(): Promise<void> {
    await this.flush();
    const handles = [this.#steps, this.#streams];
    this.#steps = undefined;
    this.#streams = undefined;
    for (const handle of handles) await handle?.close().catch(() => undefined);
  }

  /** The folder is there from now on. Rejects where the disk refuses. */
  async make(): Promise<void> {
    if (!this.#isMade) await mkdir(this.dir, { recursive: true, mode: 0o700 });
    this.#isMade = true;
  }

  async remove(): Promise<void> {
    this.hasFailed = true;
    await this.close();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** What an earlier process has written: its steps, and the length of the streams' file. */
  async recover(): Promise<{ steps: RecordStep[]; streamBytes: number }> {
    const lines = await readFile(join(this.dir, STEPS_FILE), 'utf8').catch(() => '');
    // A crash may have cut the last one.
    const steps = lines
      .split('\n')
      .map(readStep)
      .filter((step) => step !== undefined);
    this.#stepsWritten = steps.length;
    return { steps, streamBytes: (await stat(this.streamsPath).catch(() => undefined))?.size ?? 0 };
  }

  #writeSoon(): Promise<void> {
    this.#work ??= this.#write().finally(() => {
      this.#work = undefined;
    });
    return this.#work;
  }

  /** Files and stream text first: a step on the disk names only what is there. */
  async #write(): Promise<void> {
    while (this.#batch.bytes > 0) {
      const { steps, streams, files } = this.#batch;
      this.#batch = emptyBatch();
      const replaced = new Set(this.#takeReplaced());
      if (this.hasFailed) continue;
      try {
        await this.make();
        for (const { file, json } of files) {
          // A display that was updated meanwhile needs no file of what it was before.
          if (!replaced.delete(file)) await writeFile(this.pathOf(file), json);
        }
        if (streams.length > 0) {
          this.#streams ??= await open(this.streamsPath, 'a');
          await this.#streams.appendFile(Buffer.concat(streams));
        }
        await this.#writeSteps(steps);
        for (const file of replaced) await rm(this.pathOf(file), { force: true });
      } catch {
        // The run's own output, on the same disk, tells the log.
        this.hasFailed = true;
      }
    }
  }

  async #writeSteps(steps: readonly string[]): Promise<void> {
    const path = join(this.dir, STEPS_FILE);
    this.#stepsWritten += steps.length;
    if (this.#stepsWritten > MAX_STEPS) {
      const remaining = this.#remainingSteps();
      this.#stepsWritten = remaining.length;
      await this.#steps?.close();
      this.#steps = undefined;
      await writeFile(`${path}.new`, remaining.map((step) => `${toJson(step)}\n`).join(''));
      await rename(`${path}.new`, path);
    } else if (steps.length > 0) {
      this.#steps ??= await open(path, 'a');
      await this.#steps.appendFile(steps.join(''));
    }
  }
}

function emptyBatch(): Batch {
  return { steps: [], streams: [], files: [], bytes: 0 };
}
