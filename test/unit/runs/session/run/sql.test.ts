import { expect, test } from 'vitest';
import { sqlForKernel } from '../../../../../src/spark/sql/kernel-code.ts';
import { startSessionRig } from '../../../../support/session-rig.ts';

test('a result beside the rows of SQL, which Toree has behind an error, is not shown', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('select 1', { data: { dialect: 'sql', language: 'python' } });
  const code = sqlForKernel('select 1', { language: 'python', implementation: 'ipython' }, 1_000);
  const held = await rig.held.untilBegun(code);
  const { kernel } = held;
  const parent = kernel.received.findLast(({ content }) => content['code'] === code);
  if (parent === undefined) throw new Error('nothing was sent');
  const data = { 'text/plain': 'Toree has null' };
  kernel.send('execute_result', { data, metadata: {}, execution_count: 1 }, { parent });
  kernel.send('display_data', { data: { 'text/plain': 'Done' }, metadata: {} }, { parent });
  held.end();
  expect((await rig.untilEnded(live)).kind).toBe('ok');
  const shown = JSON.stringify(rig.views(live).at(-1)?.output);
  expect(shown).toContain('"head":"Done"');
  expect(shown).not.toContain('Toree has null');
});

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
