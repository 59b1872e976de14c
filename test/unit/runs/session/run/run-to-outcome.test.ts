import { expect, test } from 'vitest';
import { silentLog } from '../../../../../src/log.ts';
import { SparkObserver } from '../../../../../src/runs/session/spark-observer.ts';
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

test('what the bot puts in is no reason to leave a run unseen, or to hold up its stop', async () => {
  const settings = {
    progress: 'auto',
    uiUrl: undefined,
    historyUrl: undefined,
    sqlRows: 1,
    resultRows: 0,
  } as const;
  const hangs = Promise.withResolvers<void>();
  const putIn = [async () => {}, () => (hangs.resolve(), new Promise<void>(() => undefined))];
  class Hanging extends SparkObserver {
    override async putInto(): Promise<void> {
      await putIn.shift()?.();
    }
  }
  await using rig = await startSessionRig({ observer: new Hanging(settings, silentLog) });
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const live = await rig.submit('code()');
  await hangs.promise;
  expect(rig.views(live).at(-1)?.phase).toEqual({ kind: 'waiting', ahead: 0 });
  await rig.control.stop(live.run, 'U1');
  expect((await rig.untilDone(live)).kind).toBe('cancelled');
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['before()']);
});
