import { DatabaseSync } from 'node:sqlite';
import { workerData } from 'node:worker_threads';

/*
 * A worker of backup.ts. A run that waits now may have run by the time the backup is restored, and must not run twice. So
 * the backup stores it as `sending`, and after a restore it ends as not known.
 */

const { from, to }: { from: string; to: string } = workerData;
const db = new DatabaseSync(from);
db.exec('PRAGMA journal_mode = DELETE');
db.exec(`UPDATE runs SET state = 'sending' WHERE state = 'waiting'`);
db.prepare('VACUUM INTO ?').run(to);
db.close();
