import { DatabaseSync } from 'node:sqlite';
import { workerData } from 'node:worker_threads';

/*
 * A worker of backup.ts. A run that waits may have run when the backup is used one day, and must not run twice: it is
 * stored as one of which that is not known.
 */

const { from, to }: { from: string; to: string } = workerData;
const db = new DatabaseSync(from);
db.exec('PRAGMA journal_mode = DELETE');
db.exec(`UPDATE runs SET state = 'sending' WHERE state = 'waiting'`);
db.prepare('VACUUM INTO ?').run(to);
db.close();
