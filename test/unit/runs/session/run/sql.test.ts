import { expect, test } from 'vitest';
import { sqlForKernel } from '../../../../../src/spark/sql/kernel-code.ts';
import { startSessionRig } from '../../../../support/session-rig.ts';

test('the kernel gets SQL wrapped; the record keeps what was typed', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const typed = 'select 1 -- a';
  const live = await rig.submit(typed, { data: { dialect: 'sql', language: 'python' } });
  expect((await rig.untilEnded(live)).kind).toBe('ok');
  expect(rig.held.begun.map(({ code }) => code)).toEqual([
    sqlForKernel(typed, { language: 'python', implementation: 'ipython' }, 1_000),
  ]);
  expect(await rig.store.runs.code(live.id)).toEqual([typed]);
  expect((await rig.store.runs.get(live.id))?.data.preview).toBe(typed);
});
