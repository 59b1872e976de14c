import { createReadStream, renameSync, writeFileSync } from 'node:fs';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { giveTurn } from '../../gateway/event-loop.ts';
import { jsonPieces } from '../mime/json-text.ts';
import type { OutputModel } from '../model/output-model.ts';
import { type Picture, type StreamName, withdrawEnd } from '../model/picture.ts';
import { SNAPSHOT_FILE, STREAM_FILE, type RunFolder } from './run-folder.ts';
import type { StreamSpool } from './stream-spool.ts';

/** The state is written to the disk at most this often, and when the run ends. */
const SNAPSHOT_MS = 1_000;
/** Version of the format on the disk. */
const VERSION = 1;
/** Small snapshots are written synchronously: going through the thread pool takes longer than the disk. */
const AT_ONCE_BYTES = 16_384;

/**
 * The state when the stream file had `at` bytes; `source`: the stream that was written last. On the disk: a line with
 * the CRC-32 of the second line, which is this as JSON.
 */
interface Snapshot<Kept> {
  version: number;
  at: number;
  source: StreamName | undefined;
  picture: Kept;
}

/** What an earlier process stored of a run. */
interface Stored<Kept> {
  /** Undefined if it cannot be read. */
  snapshot: Snapshot<Kept> | undefined;
  streamBytes: number;
  /** Everything shown until then is stored (ms since the epoch). */
  keptAtMs: number;
}

/** Writes the state of a run when it is due, and deletes files that it no longer names. */
export class SnapshotWriter<Kept> {
  readonly #folder: RunFolder;
  readonly #spool: Pick<StreamSpool, 'keptBytes' | 'source'>;
  readonly #picture: () => Kept;
  readonly #later: (save: () => Promise<void>) => void;
  /** The state differs from the one on the disk by more than stream text. */
  #isUnsaved = false;
  #savedAt = -SNAPSHOT_MS;
  #timer: NodeJS.Timeout | undefined;

  /** `later` runs a save that is due although nothing else happens. */
  constructor(
    folder: RunFolder,
    spool: Pick<StreamSpool, 'keptBytes' | 'source'>,
    picture: () => Kept,
    later: (save: () => Promise<void>) => void,
  ) {
    this.#folder = folder;
    this.#spool = spool;
    this.#picture = picture;
    this.#later = later;
  }

  /** The state has changed. */
  note(): void {
    this.#isUnsaved = true;
  }

  /** Saves now, or when enough time has passed since the last save. Rejects if the disk fails. */
  async saveInTime(): Promise<void> {
    if (!this.#isUnsaved) return;
    const leftMs = this.#savedAt + SNAPSHOT_MS - performance.now();
    if (leftMs <= 0 || this.#folder.isStale) return this.save();
    this.#timer ??= setTimeout(() => this.#later(() => this.save()), leftMs).unref();
  }

  /** Rejects if the disk fails. */
  async save(): Promise<void> {
    this.stop();
    if (this.#isUnsaved) {
      this.#isUnsaved = false;
      this.#savedAt = performance.now();
      const { keptBytes: at, source } = this.#spool;
      await writeSnapshot(this.#folder, { version: VERSION, at, source, picture: this.#picture() });
    }
    await this.#folder.sweep();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Renaming makes the new snapshot valid in one step. Rejects if the disk fails. */
async function writeSnapshot(folder: RunFolder, snapshot: Snapshot<unknown>): Promise<void> {
  const json: Buffer[] = [];
  for (const piece of await jsonPieces(snapshot)) {
    json.push(Buffer.from(piece));
    await giveTurn();
  }
  const sum = json.reduce((crc, piece) => crc32(piece, crc), 0);
  const written = [Buffer.from(`${sum}\n`), ...json];
  const bytes = written.reduce((all, piece) => all + piece.length, 0);
  const path = folder.at(SNAPSHOT_FILE);
  folder.begin();
  folder.countSnapshot(bytes);
  if (bytes <= AT_ONCE_BYTES) {
    writeFileSync(`${path}.new`, Buffer.concat(written));
    renameSync(`${path}.new`, path);
    return;
  }
  await writeFile(`${path}.new`, written);
  await rename(`${path}.new`, path);
}

/**
 * Restores the model from the disk: the snapshot, and the stream text after its position. Without a readable snapshot,
 * only the stream text, as stdout. Undefined if nothing was stored.
 */
export async function recover(folder: RunFolder, model: OutputModel): Promise<Stored<Picture> | undefined> {
  const stored = await readStored<Picture>(folder);
  if (stored === undefined) return undefined;
  const { snapshot, streamBytes } = stored;
  const path = folder.at(STREAM_FILE);
  for (const entry of snapshot === undefined ? [] : model.restore(snapshot.picture)) {
    const { spooled, text } = entry;
    // Text on its way to the disk was lost with the process; other text will follow at this position.
    spooled.from = Math.min(spooled.from, streamBytes);
    spooled.to = Math.min(spooled.to, streamBytes);
    await feed(path, spooled.from, spooled.to, (piece) => text.write(piece));
    withdrawEnd(entry);
  }
  const at = snapshot?.at ?? 0;
  const source = snapshot?.source;
  await feed(path, at, streamBytes, (text) =>
    model.stream(source ?? 'stdout', text, { from: at, to: streamBytes }),
  );
  const { results, tracebacks } = model.overflow;
  await folder.recover(
    model.files,
    [results, tracebacks].flatMap((each) => each ?? []),
  );
  model.takeDropped();
  return stored;
}

/** What is on the disk; undefined if nothing was stored. */
export async function readStored<Kept>(folder: RunFolder): Promise<Stored<Kept> | undefined> {
  const [stream, file] = await Promise.all(
    [STREAM_FILE, SNAPSHOT_FILE].map((name) => stat(folder.at(name)).catch(() => undefined)),
  );
  if (stream === undefined && file === undefined) return undefined;
  // other changes are written within that time, stream text at once
  const keptAtMs = Math.max((stream?.mtimeMs ?? 0) - SNAPSHOT_MS, file?.mtimeMs ?? 0);
  const snapshot = await readSnapshot<Kept>(folder.at(SNAPSHOT_FILE));
  return { snapshot, streamBytes: stream?.size ?? 0, keptAtMs };
}

async function feed(path: string, from: number, to: number, take: (text: string) => void): Promise<void> {
  if (to <= from) return;
  const stream = createReadStream(path, { start: from, end: to - 1, encoding: 'utf8' });
  for await (const text of stream) take(String(text));
}

async function readSnapshot<Kept>(path: string): Promise<Snapshot<Kept> | undefined> {
  const [sum, written] = (await readFile(path, 'utf8').catch(() => '')).split('\n');
  if (written === undefined || Number(sum) !== crc32(written)) return undefined;
  // With a correct checksum it was written by this program, so only the version may differ.
  const read: Snapshot<Kept> = JSON.parse(written);
  return read.version === VERSION ? read : undefined;
}
