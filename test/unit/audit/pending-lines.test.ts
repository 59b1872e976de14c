import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PendingLines } from '../../../src/audit/pending-lines.ts';
import { silentLog } from '../../../src/log.ts';
import { temporaryFolder } from '../../contract/temporary-folder.ts';

/** A target that is away until it is told otherwise. */
function createTarget(dir: string, lines?: number) {
  const delivered: string[] = [];
  const said: string[] = [];
  const noRoom: object[] = [];
  let isAway = false;
  let accepting: Promise<void> | undefined;
  let onDelivered = Promise.withResolvers<void>();
  const say = ({ event }: { event: string }): void => void said.push(event);
  const open = (): PendingLines =>
    new PendingLines({
      deliver: async (text) => {
        if (isAway) throw new Error('away');
        await accepting;
        delivered.push(...text.trimEnd().split('\n'));
        onDelivered.resolve();
        onDelivered = Promise.withResolvers();
      },
      dir,
      log: { ...silentLog, error: say, warn: say },
      onNoRoom: (entry) => void noRoom.push(entry),
      overflowLine: (count) => JSON.stringify({ overflowed: count }),
      limits: { retryMs: 1, ...(lines === undefined ? {} : { lines }) },
    });
  return {
    delivered,
    said,
    noRoom,
    open,
    setAway: (away: boolean) => (isAway = away),
    /** Lets deliveries wait until the returned function is called. */
    hold: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      accepting = promise;
      return resolve;
    },
    untilDelivered: () => onDelivered.promise,
  };
}

const line = (n: number): string => JSON.stringify({ n });

test('lines arrive in order, and nothing stays on the disk', async () => {
  const folder = temporaryFolder();
  const target = createTarget(folder);
  const pending = target.open();
  for (let n = 0; n < 1_200; n += 1) pending.add(line(n), {});
  await pending.close();
  expect(target.delivered).toEqual(Array.from({ length: 1_200 }, (_, n) => line(n)));
  expect(existsSync(join(folder, 'audit-pending.ndjson'))).toBe(false);
  expect(target.said).toEqual([]);
});

test('a target that was unavailable gets what it missed, and the outage is logged once', async () => {
  const folder = temporaryFolder();
  const target = createTarget(folder);
  target.setAway(true);
  const pending = target.open();
  pending.add(line(1), {});
  pending.add(line(2), {});
  target.setAway(false);
  const arrived = target.untilDelivered();
  await arrived;
  await pending.close();
  expect(target.delivered).toEqual([line(1), line(2)]);
  expect(target.said).toEqual(['audit.away', 'audit.back']);
});

test('undelivered lines survive the process, except a line that a crash cut in two', async () => {
  const folder = temporaryFolder();
  const target = createTarget(folder);
  target.setAway(true);
  const before = target.open();
  before.add(line(1), {});
  await before.close();
  await appendFile(join(folder, 'audit-pending.ndjson'), '{"n":');
  target.setAway(false);
  const after = target.open();
  after.add(line(2), {});
  await after.close();
  expect(target.delivered).toEqual([line(1), line(2)]);
});

test('of a file that still has delivered lines the newest are read', async () => {
  const folder = temporaryFolder();
  const target = createTarget(folder, 2);
  await appendFile(join(folder, 'audit-pending.ndjson'), `${[1, 2, 3].map(line).join('\n')}\n`);
  await target.open().close();
  expect(target.delivered).toEqual([line(2), line(3)]);
});

test('the file does not keep delivered lines, although some lines always wait', async () => {
  const folder = temporaryFolder();
  const target = createTarget(folder);
  target.setAway(true);
  const pending = target.open();
  const long = (n: number): string => JSON.stringify({ n, text: 'x'.repeat(99_000) });
  for (let n = 0; n < 40; n += 1) pending.add(long(n), {});
  target.setAway(false);
  for (let batch = 0; batch < 3; batch += 1) await target.untilDelivered();
  target.setAway(true);
  await pending.close();
  const left = (await readFile(join(folder, 'audit-pending.ndjson'), 'utf8')).trimEnd().split('\n');
  expect(left.length + target.delivered.length).toBe(40);
  expect(left.at(-1)).toBe(long(39));
});

test('lines without room go to the log, and the target learns how many it misses', async () => {
  const folder = temporaryFolder();
  const target = createTarget(folder, 2);
  target.setAway(true);
  const pending = target.open();
  for (let n = 1; n <= 5; n += 1) pending.add(line(n), { n });
  expect(target.noRoom).toEqual([{ n: 3 }, { n: 4 }, { n: 5 }]);
  expect((await readFile(join(folder, 'audit-pending.ndjson'), 'utf8')).trimEnd().split('\n')).toHaveLength(
    2,
  );
  target.setAway(false);
  await target.untilDelivered();
  await pending.close();
  expect(target.delivered).toEqual([line(1), line(2), '{"overflowed":3}']);
});

test('a slow target that refuses nothing learns how many lines it misses, too', async () => {
  const target = createTarget(temporaryFolder(), 2);
  const release = target.hold();
  const pending = target.open();
  for (let n = 1; n <= 5; n += 1) pending.add(line(n), { n });
  release();
  await pending.close();
  expect(target.delivered).toEqual([line(1), line(2), '{"overflowed":3}']);
  expect(target.said).toEqual([]);
});

test('a failing disk is logged once, and lines are still delivered', async () => {
  const folder = temporaryFolder();
  await appendFile(join(folder, 'file'), '');
  const target = createTarget(join(folder, 'file', 'below'));
  const pending = target.open();
  pending.add(line(1), {});
  pending.add(line(2), {});
  await pending.close();
  expect(target.delivered).toEqual([line(1), line(2)]);
  expect(target.said).toEqual(['audit.unkept']);
});

test('a line that a full disk has cut off spoils none of those after it', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'audit-pending.ndjson');
  const target = createTarget(folder);
  target.setAway(true);
  const pending = target.open();
  await mkdir(path);
  pending.add(line(1), {});
  await rm(path, { recursive: true });
  await writeFile(path, '{"n":');
  pending.add(line(2), {});
  await pending.close();
  target.setAway(false);
  const delivered = target.untilDelivered();
  const next = target.open();
  await delivered;
  await next.close();
  expect(target.delivered).toEqual([line(2)]);
});
