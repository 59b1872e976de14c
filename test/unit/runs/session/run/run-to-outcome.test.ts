import { expect, test } from 'vitest';
import { startSessionRig } from '../../../../support/session-rig.ts';

test('what waited for a person whose account was deactivated meanwhile is not run, and that is said', async () => {
  await using rig = await startSessionRig({ deactivated: ['UGONE'] });
  rig.held.letRun();
  const createdAt = Date.now() - 120_000;
  const gone = await rig.submit('gone()', { requester: 'UGONE', createdAt });
  const there = await rig.submit('there()', { requester: 'UANA', createdAt });
  const outcome = await rig.untilDone(gone);
  expect(outcome).toMatchObject({ kind: 'cancelled', detail: expect.stringContaining('deactivated') });
  expect((await rig.untilDone(there)).kind).toBe('ok');
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['there()']);
});
