import { copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { vi } from 'vitest';
import { z } from 'zod';

const text = z.string();
const rowSchema = z.object({ id: text, channel: text, thread: text, state: text, data: text });
export type KeptRun = z.infer<typeof rowSchema>;

/**
 * The runs in a bot's SQLite file, in order of acceptance. Reads a copy, so that the file stays as it is. If the bot writes
 * meanwhile, the copy may be torn, or lack what has just moved from the log to the file; then it rejects, and
 * {@link untilPosted} looks again.
 */
export async function readStoreFile(folder: string): Promise<KeptRun[]> {
  const copies = await mkdtemp(join(tmpdir(), 'sparkthread-run-store-'));
  try {
    const name = 'sparkthread.db';
    const before = await lastWrites(folder, name);
    await copyFile(join(folder, name), join(copies, name));
    await copyFile(join(folder, `${name}-wal`), join(copies, `${name}-wal`)).catch(() => undefined);
    if ((await lastWrites(folder, name)) !== before) throw new Error('the store was written meanwhile');
    const db = new DatabaseSync(join(copies, name));
    const rows = db.prepare('SELECT id, channel, thread, state, data FROM runs ORDER BY rowid').all();
    db.close();
    return z.array(rowSchema).parse(rows);
  } finally {
    await rm(copies, { recursive: true, force: true });
  }
}

async function lastWrites(folder: string, name: string): Promise<string> {
  const files = [name, `${name}-wal`].map((file) => stat(join(folder, file), { bigint: true }));
  const known = await Promise.allSettled(files);
  return known.map((each) => ('value' in each ? `${each.value.size} ${each.value.mtimeNs}` : '')).join();
}

/** Resolves once the store has all runs of the thread as posted, which is a moment after Slack shows their ends. */
export async function untilPosted(folder: string, thread: string): Promise<void> {
  const look = async (): Promise<void> => {
    const states = (await readStoreFile(folder)).filter((run) => run.thread === thread).map(stateOf);
    if (states.length === 0 || states.some((state) => state !== 'posted'))
      throw new Error(`the runs of ${thread} are ${states.join(', ')}`);
  };
  await vi.waitFor(look, { timeout: 100_000, interval: 20 });
}

const stateOf = ({ state }: KeptRun): string => state;
