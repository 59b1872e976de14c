import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { silentLog } from '../../src/log.ts';
import { openStore } from '../../src/store/open.ts';
import { accepted, type Note } from './new-run.ts';

/**
 * A process of its own for the tests that kill one: `node sqlite-child.ts <sqlite:path> hold|accept|fill`. Says "open" once
 * it holds the file; `accept` then accepts and saves runs without end and says each id once the store has confirmed it;
 * `fill` replaces one run's code until that is refused, and says what it then finds.
 */
const [url = '', mode] = process.argv.slice(2);
const { runs, lease } = await openStore<Note>({ url, log: silentLog });
await lease.acquire(60_000);
say('open');
if (mode === 'accept') await acceptForever();
else if (mode === 'fill') await saveUntilRefused();
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

async function acceptForever(): Promise<never> {
  for (;;) {
    const id = randomUUID();
    const run = await accepted(runs, { id }, `request of ${id}`);
    say(run.id);
    await runs.save({ ...run, state: 'sending' });
    say(`${run.id} sending`);
  }
}

async function saveUntilRefused(): Promise<void> {
  const run = await accepted(runs);
  for (let length = 0; ; length += 20_000) {
    const code = ['x'.repeat(length)];
    try {
      await runs.save(run, code);
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
      const stored = (await runs.code(run.id))?.[0]?.length;
      if (stored !== length - 20_000)
        say(`${length - 20_000} characters were confirmed, ${stored} are stored`);
      break;
    }
  }
  process.exit();
}
