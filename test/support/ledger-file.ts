import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';

const rowSchema = z.object({ id: z.string(), channel: z.string(), thread: z.string(), state: z.string() });
export type KeptRun = z.infer<typeof rowSchema>;

/** The runs in the SQLite file of a bot that does not run, in order of admission. Reads a copy: the file stays as the bot left it. */
export async function readLedgerFile(folder: string): Promise<KeptRun[]> {
  const copies = await mkdtemp(join(tmpdir(), 'sparkthread-ledger-'));
  try {
    const name = 'sparkthread.db';
    await copyFile(join(folder, name), join(copies, name));
    await copyFile(join(folder, `${name}-wal`), join(copies, `${name}-wal`)).catch(() => undefined);
    const db = new DatabaseSync(join(copies, name));
    const rows = db.prepare('SELECT id, channel, thread, state FROM runs ORDER BY admitted').all();
    db.close();
    return z.array(rowSchema).parse(rows);
  } finally {
    await rm(copies, { recursive: true, force: true });
  }
}
