import { readdir } from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { startSessionRig } from '../../support/session-rig.ts';
import { silent } from '../../support/store-faults.ts';

test('a posted run is erased at once, with its code and its message', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const live = await rig.submit('code()');
  await rig.untilDone(live);
  await rig.runs.erase(live.run);
  expect(await rig.store.runs.get(live.id)).toBeUndefined();
  expect(await rig.store.runs.code(live.id)).toBeUndefined();
  expect(rig.notices).toContain('removed code()');
});

test('the code of a run goes before its message, and a successor goes on where Slack did not remove it', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const live = await rig.submit('code()');
  await rig.untilDone(live);
  const removing = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<boolean>();
  rig.onRemove = () => {
    removing.resolve();
    return answered.promise;
  };
  const erased = rig.runs.erase(live.run);
  await removing.promise;
  expect(await rig.store.runs.code(live.id)).toEqual([]);
  expect(JSON.stringify(await rig.store.runs.get(live.id))).not.toContain('code()');
  answered.resolve(false);
  await erased;
  expect(rig.notices).not.toContain('removed code()');
  rig.onRemove = () => true;
  await rig.replace('killed');
  await expect.poll(async () => await rig.store.runs.get(live.id)).toBeUndefined();
  expect(rig.notices).toContain('removed ');
  expect(rig.held.begun).toHaveLength(1);
});

test('a waiting run is erased without having run', async () => {
  await using rig = await startSessionRig();
  await rig.submit('running()');
  const run = await rig.held.untilBegun('running()');
  const live = await rig.submit('secret()');
  await rig.runs.erase(live.run);
  await live.posted;
  expect(await rig.store.runs.get(live.id)).toBeUndefined();
  run.end();
  await rig.untilDone(await rig.submit('last()').then((last) => (rig.held.letRun(), last)));
  expect(rig.held.begun.map(({ code }) => code)).not.toContain('secret()');
});

test('a running run is stopped, and erased as soon as it has ended', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('secret()');
  const run = await rig.held.untilBegun('secret()');
  run.kernel.onInterrupt = () => run.end();
  await rig.runs.erase(live.run);
  await live.posted;
  expect(await rig.store.runs.get(live.id)).toBeUndefined();
  expect(run.kernel.interrupts).toBe(1);
});

test('a run whose final message is on its way is erased after it', async () => {
  await using rig = await startSessionRig();
  const posting = Promise.withResolvers<void>();
  const posted = Promise.withResolvers<void>();
  rig.onFinish = async () => {
    posting.resolve();
    await posted.promise;
    return { delivered: true, messageTs: '2.0' };
  };
  rig.held.letRun();
  const live = await rig.submit('secret()');
  await posting.promise;
  await rig.runs.erase(live.run);
  posted.resolve();
  await live.posted;
  expect(await rig.store.runs.get(live.id)).toBeUndefined();
});

test('a run is erased even if the store does not answer in the last step', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('secret()');
  const run = await rig.held.untilBegun('secret()');
  run.kernel.onInterrupt = () => run.end();
  let tries = 0;
  rig.faults.before = (method) => {
    if (method === 'remove' && (tries += 1) === 1) throw silent();
  };
  await rig.runs.erase(live.run);
  await live.posted;
  expect(await rig.store.runs.get(live.id)).toBeUndefined();
});

test('a run that is erased while the store has not yet noted it as posted does not come back', async () => {
  await using rig = await startSessionRig();
  await rig.submit('running()');
  await rig.held.untilBegun('running()');
  const live = await rig.submit('secret()');
  const tried = Promise.withResolvers<void>();
  rig.faults.before = (method) => {
    if (method !== 'save' || live.run.state !== 'posted') return;
    tried.resolve();
    throw silent();
  };
  rig.control.stop(live.run, 'U1');
  await tried.promise;
  rig.faults.before = () => undefined;
  await rig.runs.erase(live.run);
  await live.posted;
  expect(await rig.store.runs.get(live.id)).toBeUndefined();
  expect(await rig.store.runs.code(live.id)).toBeUndefined();
});

test('the runs whose message it took over are erased with it', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const first = await rig.submit('first()');
  await rig.untilDone(first);
  const second = await rig.submit('second()', { data: { follows: first.id, edition: 2 } });
  await rig.untilDone(second);
  const third = await rig.submit('third()', { data: { follows: second.id, edition: 3 } });
  await rig.untilDone(third);
  await rig.runs.erase(third.run);
  expect(await rig.store.runs.newest('channel', ['T1', 'C1'], 10)).toEqual([]);
});

test('if the store does not answer when the chain is read, nothing is erased, so that it can be tried again', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const first = await rig.submit('first()');
  await rig.untilDone(first);
  const second = await rig.submit('second()', { data: { follows: first.id, edition: 2 } });
  await rig.untilDone(second);
  rig.faults.before = (method) => (method === 'get' ? Promise.reject(silent()) : undefined);
  await expect(rig.runs.erase(second.run)).rejects.toThrow('no answer');
  expect(await rig.store.runs.newest('channel', ['T1', 'C1'], 10)).toHaveLength(2);
});

test('an edit takes over the message of the earlier run after that is posted, and removes its files', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  rig.onFinish = () => ({ delivered: true, messageTs: '7.0', files: ['F1'] });
  const first = await rig.submit('first()');
  const second = await rig.submit('second()', { data: { follows: first.id, edition: 2 } });
  expect(await rig.opened.get(second.id)?.predecessor).toBe('7.0');
  expect(rig.notices).toContain('detached first()');
});

test('an edit that is cancelled while the earlier run goes on leaves that its message and its result', async () => {
  await using rig = await startSessionRig();
  const first = await rig.submit('first()');
  await rig.held.untilBegun('first()');
  const second = await rig.submit('second()', { data: { follows: first.id, edition: 2 } });
  rig.control.stop(second.run, 'U1');
  expect(await rig.opened.get(second.id)?.predecessor).toBeUndefined();
  await rig.untilShown(first, ({ notes }) => notes.includes('Run 2 was cancelled.'));
  await second.posted;
  expect((await rig.store.runs.get(second.id))?.data.follows).toBeUndefined();
});

test('a sentence is added to the top of a run in memory', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('code()');
  await rig.held.untilBegun('code()');
  rig.runs.say(live.run, 'Look here.');
  await rig.untilShown(live, ({ notes }) => notes.includes('Look here.'));
  expect(await rig.runs.code(live.run)).toEqual(['code()']);
  expect((await rig.runs.find(live.id))?.data.notes).toEqual(['Look here.']);
});

test('code in SQL is shown and attached as SQL, whatever its kernel speaks', async () => {
  await using rig = await startSessionRig();
  const data = { needsRoot: true, language: 'python', dialect: 'sql' } as const;
  const live = await rig.submit('select 1', { thread: '', data });
  const { code } = await rig.untilShown(live, () => true);
  expect(code?.language).toBe('sql');
  expect(rig.opened.get(live.id)?.root?.syntax).toBe('sql');
  rig.held.letRun();
  await rig.untilDone(live);
});

test('a listed run is the one in memory, although the store has not got the last change yet', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('code()');
  await rig.held.untilBegun('code()');
  const listed = await rig.store.runs.get(live.id);
  live.note({ data: { messageTs: '7.7' } });
  vi.spyOn(rig.store.runs, 'newest').mockResolvedValue([listed!]);
  const [newest] = await rig.runs.newest('channel', ['C1']);
  expect(newest?.data.messageTs).toBe('7.7');
  rig.held.letRun();
  await rig.untilDone(live);
});

test('a refused final message is over: the run is posted, and nothing stays on disk', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  rig.onFinish = () => ({ delivered: false, reason: 'is_archived', isRefused: true });
  const live = await rig.submit('code()');
  await rig.untilDone(live);
  expect(await rig.store.runs.get(live.id)).toMatchObject({ state: 'posted' });
  await rig.session().shutDown();
  await expect.poll(async () => await readdir(rig.spoolDir)).toEqual([]);
});
