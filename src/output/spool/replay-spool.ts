import { createReadStream } from 'node:fs';
import type { KeptPicture, OutputFold, StreamName } from '../output-model.ts';
import type { JournalLine } from './output-journal.ts';

/**
 * Feeds a kept spool of `bytes` bytes through a fold, each journal line at its place. Returns the stream that was
 * written last. Text that the journal does not speak of (the process died in between) counts as stdout.
 */
export async function replaySpool(
  path: string,
  bytes: number,
  journal: readonly JournalLine[],
  fold: OutputFold,
): Promise<StreamName | undefined> {
  let source: StreamName | undefined;
  let at = 0;
  for (const line of journal) {
    if ('picture' in line) {
      await restore(path, line.picture, fold);
      source = line.last;
      at = line.at;
      continue;
    }
    const upTo = Math.min(line.at, bytes);
    await feed(path, at, upTo, (text) => fold.stream(source ?? 'stdout', text, { from: at, to: upTo }));
    at = Math.max(at, upTo);
    if ('source' in line) source = line.source;
    else fold.apply(line.step);
  }
  await feed(path, at, bytes, (text) => fold.stream(source ?? 'stdout', text, { from: at, to: bytes }));
  return source;
}

async function feed(path: string, from: number, to: number, take: (text: string) => void): Promise<void> {
  if (to <= from) return;
  const stream = createReadStream(path, { start: from, end: to - 1, encoding: 'utf8' });
  for await (const text of stream) take(String(text));
}

/** What stood when the journal was begun anew: of streams it says where their text is. */
async function restore(path: string, picture: KeptPicture, fold: OutputFold): Promise<void> {
  for (const { spooled, write, end } of fold.restore(picture)) {
    await feed(path, spooled.from, spooled.to, write);
    end();
  }
}
