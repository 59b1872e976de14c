import { writeSync } from 'node:fs';
import { silentLog } from '../../src/log.ts';
import { openStore } from '../../src/store/open-store.ts';
import { newRun, type Note } from './new-run.ts';

/**
 * A process of its own for the tests that kill one: `node sqlite-child.ts <sqlite:path> hold|admit|fill`. Says "open" once
 * it holds the file; `admit` then admits and changes runs without end and says each id once the ledger has confirmed it;
 * `fill` changes one run until that is refused, and says what it then finds.
 */
const [url = '', mode] = process.argv.slice(2);
const { ledger } = await openStore<Note>({ url, log: silentLog });
say('open');
if (mode === 'admit') await admitForever();
else if (mode === 'fill') await changeUntilRefused();
else setInterval(() => undefined, 60_000);

/** Not console.log: the line has to be out before the next write begins. A reader that is behind is waited for. */
function say(line: string): void {
  for (let left = Buffer.from(`${line}\n`); left.length > 0;) {
    try {
      left = left.subarray(writeSync(1, left));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

async function admitForever(): Promise<never> {
  for (;;) {
    const run = newRun();
    const admission = await ledger.admit(`delivery of ${run.id}`, run, { perLane: 1e9, perRunner: 1e9 });
    if (admission.kind !== 'accepted') throw new Error(`not accepted but ${admission.kind}`);
    say(run.id);
    await ledger.change(admission.run, { state: 'sending', updatedAt: run.createdAt + 1 });
    say(`${run.id} sending`);
  }
}

async function changeUntilRefused(): Promise<void> {
  const first = newRun();
  const admission = await ledger.admit('fill', first, { perLane: 1, perRunner: 1 });
  if (admission.kind !== 'accepted') throw new Error(`not accepted but ${admission.kind}`);
  let { run } = admission;
  for (;;) {
    try {
      const changed = await ledger.change(run, { data: { code: 'x'.repeat(20_000) }, updatedAt: 1 });
      if (changed === undefined) throw new Error('somebody else has changed it');
      run = changed;
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
      break;
    }
    const kept = await ledger.get(run.id);
    if (kept?.revision !== run.revision) {
      say(`revision ${run.revision} was confirmed, ${kept?.revision} is kept`);
      break;
    }
  }
  process.exit();
}
