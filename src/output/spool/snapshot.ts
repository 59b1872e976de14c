import { createReadStream, renameSync, writeFileSync } from 'node:fs';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { OutputModel, Picture, StreamName } from '../output-model.ts';
import { SNAPSHOT_FILE, STREAM_FILE, type RunFolder } from './run-folder.ts';

/** A small snapshot is written at once: a thread's way there and back takes longer than the disk. */
const AT_ONCE_CHARS = 16_384;

/**
 * A picture when the stream file held `at` bytes; `source`: the stream that was written last. On the disk one line with
 * the CRC-32 of the other one, which is this as JSON.
 */
export interface Snapshot {
  version: 1;
  at: number;
  source: StreamName | undefined;
  picture: Picture;
}

/** What an earlier process kept of a run. */
export interface Recovered {
  source: StreamName | undefined;
  streamBytes: number;
  /** When it was last written (ms since the epoch). */
  keptAtMs: number;
}

/** The renaming is the one moment at which the new one counts. Rejects where the disk refuses. */
export async function writeSnapshot(folder: RunFolder, snapshot: Snapshot): Promise<void> {
  const json = JSON.stringify(snapshot);
  const written = `${crc32(json)}\n${json}`;
  const path = folder.at(SNAPSHOT_FILE);
  folder.make();
  if (written.length <= AT_ONCE_CHARS) {
    writeFileSync(`${path}.new`, written);
    renameSync(`${path}.new`, path);
    return;
  }
  await writeFile(`${path}.new`, written);
  await rename(`${path}.new`, path);
}

/**
 * Puts what is on the disk into the model: the snapshot, and the stream text behind its position. Where the snapshot
 * cannot be read, the stream text alone, as stdout. Undefined when nothing was kept.
 */
export async function recover(folder: RunFolder, model: OutputModel): Promise<Recovered | undefined> {
  const [stream, file] = await Promise.all(
    [STREAM_FILE, SNAPSHOT_FILE].map((name) => stat(folder.at(name)).catch(() => undefined)),
  );
  if (stream === undefined && file === undefined) return undefined;
  const streamBytes = stream?.size ?? 0;
  const snapshot = await readSnapshot(folder.at(SNAPSHOT_FILE));
  const path = folder.at(STREAM_FILE);
  for (const { spooled, write, end } of snapshot === undefined ? [] : model.restore(snapshot.picture)) {
    await feed(path, spooled.from, Math.min(spooled.to, streamBytes), write);
    end();
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
  return { source, streamBytes, keptAtMs: Math.max(stream?.mtimeMs ?? 0, file?.mtimeMs ?? 0) };
}

async function feed(path: string, from: number, to: number, take: (text: string) => void): Promise<void> {
  if (to <= from) return;
  const stream = createReadStream(path, { start: from, end: to - 1, encoding: 'utf8' });
  for await (const text of stream) take(String(text));
}

async function readSnapshot(path: string): Promise<Snapshot | undefined> {
  const [sum, written] = (await readFile(path, 'utf8').catch(() => '')).split('\n');
  if (written === undefined || Number(sum) !== crc32(written)) return undefined;
  const read = snapshotSchema.safeParse(JSON.parse(written));
  return read.success ? read.data : undefined;
}

/** What has the right sum was written by this program: only the version may be another one. */
const snapshotSchema = z.custom<Snapshot>(
  (value) => z.object({ version: z.literal(1) }).safeParse(value).success,
);
