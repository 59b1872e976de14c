import { expect, test } from 'vitest';
import { type SessionRig, startSessionRig } from '../../../support/session-rig.ts';
import { silent } from '../../../support/store-faults.ts';

test('an accepted snippet is a run in the store and in its session', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const admitted = await rig.admission.submit(rig.request('code()', { language: 'python3' }));
  expect(admitted.kind).toBe('accepted');
  const [live] = rig.kernels.unfinished('T1', 'C1');
  expect(await rig.untilEnded(live!)).toMatchObject({ kind: 'ok', kernelspec: 'python3' });
  expect(await rig.store.runs.code(live!.id)).toEqual(['code()']);
});

test('a repeated request makes one run, even if both come at the same time', async () => {
  await using rig = await startSessionRig();
  const request = rig.request('code()');
  const both = await Promise.all([rig.admission.submit(request), rig.admission.submit(request)]);
  expect(both.map(({ kind }) => kind).toSorted()).toEqual(['accepted', 'duplicate']);
  expect((await rig.admission.submit(request)).kind).toBe('duplicate');
  expect(rig.kernels.unfinished('T1', 'C1')).toHaveLength(1);
});

test('D5: a run that the store has accepted runs although the channel’s language is not remembered', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  rig.faults.before = (method) => (method === 'keyv.set' ? Promise.reject(silent()) : undefined);
  const request = rig.request('code()', { language: 'python3' });
  const remembering = rig.channels.change('T1', 'C1', { kernelspec: 'python3' });
  await expect(remembering).rejects.toThrow('no answer');
  expect((await rig.admission.submit(request)).kind).toBe('accepted');
  rig.faults.before = () => undefined;
  expect((await rig.untilEnded(rig.kernels.unfinished('T1', 'C1')[0]!)).kind).toBe('ok');
});

test('a language that a snippet names is for that run; without one it is that of the channel’s kernel', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.admission.submit(rig.request('code()', { language: 'scala-spark' }));
  await rig.untilDone(rig.kernels.unfinished('T1', 'C1')[0]!);
  expect(rig.channels.read('T1', 'C1')).toEqual({});
  expect((await rig.admission.languages('T1', 'C1')).channelLanguage).toBe('scala-spark');
  await rig.channels.change('T1', 'C1', { kernelspec: 'python3' });
  expect((await rig.admission.languages('T1', 'C1')).channelLanguage).toBe('python3');
});

test('QUEUE_LIMIT holds when many are accepted at once', async () => {
  await using rig = await startSessionRig({ queueLimit: 3 });
  const all = Array.from({ length: 8 }, (_, n) => rig.admission.submit(rig.request(`code(${n})`)));
  const results = await Promise.allSettled(all);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  expect(rig.session().unfinished).toHaveLength(3);
  await expect(rig.admission.submit(rig.request('more()'))).rejects.toMatchObject({ code: 'queueFull' });
});

test('USER_LIMIT holds over all channels when many are accepted at once', async () => {
  await using rig = await startSessionRig({ userLimit: 2 });
  const all = Array.from({ length: 5 }, (_, n) =>
    rig.admission.submit(rig.request(`code(${n})`, { channel: `C${n}` })),
  );
  const results = await Promise.allSettled(all);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  const refused = rig.admission.submit(rig.request('more()'));
  await expect(refused).rejects.toMatchObject({ code: 'tooManyRuns' });
  expect((await rig.admission.submit(rig.request('other()', { requester: 'U2' }))).kind).toBe('accepted');
});

test('a place is free again when the store refused', async () => {
  await using rig = await startSessionRig({ queueLimit: 1 });
  rig.faults.before = (method) => (method === 'accept' ? Promise.reject(silent()) : undefined);
  await expect(rig.admission.submit(rig.request('code()'))).rejects.toThrow('no answer');
  rig.faults.before = () => undefined;
  expect((await rig.admission.submit(rig.request('code()'))).kind).toBe('accepted');
});

test('the repetition of an accepted request is a duplicate and not refused by a limit', async () => {
  await using rig = await startSessionRig({ queueLimit: 1, userLimit: 1 });
  const request = rig.request('code()');
  await rig.admission.submit(request);
  expect((await rig.admission.submit(request)).kind).toBe('duplicate');
});

test('a run that asks about a switch takes no place in the limits', async () => {
  await using rig = await startSessionRig({ queueLimit: 1, userLimit: 1 });
  rig.held.letRun();
  await rig.untilDone(await rig.submit('python()'));
  const asking = await rig.submit('scala()', { kernelspec: 'scala-spark' });
  await rig.untilShown(asking, ({ phase }) => phase.kind === 'switchAsked');
  expect((await rig.admission.submit(rig.request('code()'))).kind).toBe('accepted');
});

test('a deadline that has passed before the store is asked: nothing is written', async () => {
  await using rig = await startSessionRig();
  const gone = AbortSignal.abort(new Error('too late'));
  await expect(rig.admission.submit(rig.request('code()'), gone)).rejects.toThrow('too late');
  expect(rig.faults.calls).not.toContain('accept');
});

test('S-D5: an acceptance that comes after the deadline is withdrawn, and the very same submission runs once', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const answer = Promise.withResolvers<void>();
  const written = Promise.withResolvers<void>();
  rig.faults.after = (method) => {
    if (method !== 'accept') return undefined;
    written.resolve();
    return answer.promise;
  };
  const deadline = new AbortController();
  const request = rig.request('code()');
  const first = rig.admission.submit(request, deadline.signal);
  await written.promise;
  deadline.abort(new Error('too late'));
  await expect(first).rejects.toThrow('too late');
  expect(rig.kernels.unfinished('T1', 'C1')).toEqual([]);
  rig.faults.after = () => undefined;
  expect((await rig.admission.submit(request)).kind).toBe('accepted');
  answer.resolve();
  const [live] = rig.kernels.unfinished('T1', 'C1');
  await rig.untilDone(live!);
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['code()']);
  expect(await rig.store.runs.newest('channel', ['T1', 'C1'], 10)).toHaveLength(1);
});

test('S-D5: a withdrawn request is unknown again: repeated later it runs', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  rig.faults.after = (method) => {
    if (method === 'accept') throw silent();
  };
  const withdrawn = Promise.withResolvers<void>();
  const request = rig.request('code()');
  await expect(rig.admission.submit(request)).rejects.toThrow('no answer');
  rig.faults.after = (method) => {
    if (method === 'withdraw') withdrawn.resolve();
  };
  await withdrawn.promise;
  expect(await rig.store.runs.newest('channel', ['T1', 'C1'], 10)).toEqual([]);
  expect((await rig.admission.submit(request)).kind).toBe('accepted');
  await rig.untilDone(rig.kernels.unfinished('T1', 'C1')[0]!);
  expect(rig.held.begun).toHaveLength(1);
});

const report = {
  name: 'report',
  notebook: { metadata: {}, cells: [{ kind: 'code' as const, id: 'a', metadata: {}, source: 'code()' }] },
};

test('the notebook of a refused request does not stay in the store', async () => {
  await using rig = await startSessionRig();
  rig.faults.after = (method) => {
    if (method === 'accept') throw silent();
  };
  const request = rig.request('', { snippet: { language: 'python3', blocks: ['code()'], notebook: report } });
  await expect(rig.admission.submit(request)).rejects.toThrow('no answer');
  expect(await rig.store.keyv('notebook').has(request.requestKey)).toBe(true);
  await rig.admission.close();
  expect(await rig.store.keyv('notebook').has(request.requestKey)).toBe(false);
});

test('a request that was refused while its notebook was being stored is never accepted', async () => {
  await using rig = await startSessionRig();
  const storing = Promise.withResolvers<void>();
  const stored = Promise.withResolvers<void>();
  rig.faults.before = (method) => {
    if (method !== 'keyv.set') return undefined;
    storing.resolve();
    return stored.promise;
  };
  const deadline = new AbortController();
  const request = rig.request('', { snippet: { language: 'python3', blocks: ['code()'], notebook: report } });
  const submitted = rig.admission.submit(request, deadline.signal);
  await storing.promise;
  deadline.abort(new Error('too late'));
  await expect(submitted).rejects.toThrow('too late');
  await rig.admission.close();
  stored.resolve();
  await rig.admission.submit(rig.request('later()'));
  expect(rig.faults.calls.filter((call) => call === 'accept')).toHaveLength(1);
  expect(await rig.store.runs.findRequest(request.requestKey)).toBeUndefined();
});

test('an edit takes the notebook of a waiting run away: deleting the run erases it all the same', async () => {
  await using rig = await startSessionRig();
  await rig.submit('before()');
  const request = rig.request('', { snippet: { language: 'python3', blocks: ['code()'], notebook: report } });
  await rig.admission.submit(request);
  const [, live] = rig.kernels.unfinished('T1', 'C1');
  const snippet = { language: 'python3', blocks: ['code()'] };
  expect(await rig.admission.replaceWaiting(live!.run, { snippet, editedTs: '1' })).toBe(true);
  await rig.runs.erase(live!.run);
  await live!.posted;
  expect(await rig.store.keyv('notebook').has(request.requestKey)).toBe(false);
});

test('a repeated delivery does not bring back the notebook of a deleted run', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const request = rig.request('', { snippet: { language: 'python3', blocks: ['code()'], notebook: report } });
  await rig.admission.submit(request);
  const [live] = rig.kernels.unfinished('T1', 'C1');
  await rig.untilDone(live!);
  await rig.runs.erase(live!.run);
  expect((await rig.admission.submit(request)).kind).toBe('duplicate');
  expect(await rig.store.keyv('notebook').has(request.requestKey)).toBe(false);
});

test('acceptances whose answers come in another order run in the order of the store', async () => {
  await using rig = await startSessionRig();
  const before = await rig.submit('before()');
  await rig.held.untilBegun('before()');
  const slow = Promise.withResolvers<void>();
  let accepted = 0;
  rig.faults.after = (method) => (method === 'accept' && (accepted += 1) === 1 ? slow.promise : undefined);
  const first = rig.admission.submit(rig.request('first()'));
  const second = rig.admission.submit(rig.request('second()'));
  await second;
  slow.resolve();
  await first;
  rig.held.letRun();
  await rig.untilDone(before);
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['before()', 'first()', 'second()']);
});

test('an unknown language is looked for on the gateway once more before it is refused', async () => {
  await using rig = await startSessionRig();
  await rig.admission.languages('T1', 'C1');
  const refused = rig.admission.submit(rig.request('code()', { language: 'cobol' }));
  await expect(refused).rejects.toMatchObject({ code: 'unknownLanguage' });
  expect(rig.gateway.calls.filter(({ path }) => path === '/api/kernelspecs')).toHaveLength(2);
  expect(rig.faults.calls).not.toContain('accept');
});

test('an edit replaces the code of a waiting run, which keeps its place', async () => {
  await using rig = await startSessionRig();
  await rig.submit('running()');
  await rig.held.untilBegun('running()');
  const edited = await rig.submit('old()');
  const last = await rig.submit('last()');
  const edit = { snippet: { language: undefined, blocks: ['new()'] }, editedTs: '9.0' };
  expect(await rig.admission.replaceWaiting(edited.run, edit)).toBe(true);
  rig.held.letRun();
  await rig.untilDone(last);
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['running()', 'new()', 'last()']);
  expect(await rig.admission.replaceWaiting(edited.run, edit)).toBe(false);
});

test('an edited run that waits says of its code what holds for the new one', async () => {
  await using rig = await startSessionRig();
  await rig.submit('running()');
  await rig.held.untilBegun('running()');
  const data = { origin: 'saved' as const, saved: { name: 'report' }, notes: ['a.py did not run.'] };
  const edited = await rig.submit('old()', { data });
  const edit = { snippet: { language: undefined, blocks: ['new()'] }, editedTs: '9.0' };
  await rig.admission.replaceWaiting(edited.run, { ...edit, notes: ['b.py did not run.'] });
  expect(edited.run.data).toMatchObject({
    origin: undefined,
    saved: undefined,
    notes: ['b.py did not run.'],
  });
  await rig.admission.replaceWaiting(edited.run, { ...edit, saved: { name: 'report' }, origin: 'saved' });
  expect(edited.run.data).toMatchObject({ ...data, notes: [] });
});

/** Submits `old()`, whose kernel starts once `start` is resolved. */
async function submitWhileStarting(rig: SessionRig) {
  const start = Promise.withResolvers<undefined>();
  rig.gateway.answer = ({ method }) => (method === 'POST' ? start.promise : undefined);
  const posted = rig.gateway.untilCall(({ method }) => method === 'POST');
  const edited = await rig.submit('old()');
  await posted;
  return { edited, start };
}

test('an edit replaces the code of a run whose kernel is being started', async () => {
  await using rig = await startSessionRig();
  const { edited, start } = await submitWhileStarting(rig);
  const edit = { snippet: { language: undefined, blocks: ['new()'] }, editedTs: '9.0' };
  const other = { ...edit, snippet: { language: 'scala-spark', blocks: ['new()'] } };
  expect(await rig.admission.replaceWaiting(edited.run, other)).toBe(false);
  expect(await rig.admission.replaceWaiting(edited.run, edit)).toBe(true);
  start.resolve(undefined);
  rig.held.letRun();
  await rig.untilDone(edited);
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['new()']);
  expect(await rig.runs.code(edited.run)).toEqual(['new()']);
});

test('an edit that is stored only after its run has been sent comes too late: the old code ran and is stored', async () => {
  await using rig = await startSessionRig();
  const { edited, start } = await submitWhileStarting(rig);
  const storing = Promise.withResolvers<undefined>();
  const stored = Promise.withResolvers<void>();
  rig.faults.after = (method) => {
    if (method !== 'save') return undefined;
    rig.faults.after = () => undefined;
    stored.resolve();
    return storing.promise;
  };
  const edit = { snippet: { language: undefined, blocks: ['new()'] }, editedTs: '9.0' };
  const replacing = rig.admission.replaceWaiting(edited.run, edit);
  await stored.promise;
  start.resolve(undefined);
  const begun = await rig.held.untilBegun('old()');
  storing.resolve(undefined);
  expect(await replacing).toBe(false);
  begun.end();
  await rig.untilDone(edited);
  expect(await rig.runs.code(edited.run)).toEqual(['old()']);
});

test('a run that is cancelled while its edit is being stored does not run', async () => {
  await using rig = await startSessionRig();
  const first = await rig.submit('running()');
  await rig.held.untilBegun('running()');
  const edited = await rig.submit('old()');
  const storing = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  rig.faults.before = (method) => {
    if (method !== 'save') return undefined;
    asked.resolve();
    return storing.promise;
  };
  const edit = { snippet: { language: undefined, blocks: ['new()'] }, editedTs: '9.0' };
  const replacing = rig.admission.replaceWaiting(edited.run, edit);
  await asked.promise;
  rig.control.stop(edited.run, 'U1');
  storing.resolve();
  await replacing;
  expect((await rig.untilEnded(edited)).kind).toBe('cancelled');
  rig.held.letRun();
  await rig.untilDone(first);
  await rig.untilDone(await rig.submit('last()'));
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['running()', 'last()']);
});

test('an edit that the store does not take changes nothing: the old code runs', async () => {
  await using rig = await startSessionRig();
  await rig.submit('running()');
  await rig.held.untilBegun('running()');
  const edited = await rig.submit('old()');
  rig.faults.before = (method) => (method === 'save' ? Promise.reject(silent()) : undefined);
  const edit = { snippet: { language: undefined, blocks: ['new()'] }, editedTs: '9.0' };
  await expect(rig.admission.replaceWaiting(edited.run, edit)).rejects.toThrow('no answer');
  rig.faults.before = () => undefined;
  rig.held.letRun();
  expect((await rig.untilDone(edited)).kind).toBe('ok');
  expect(rig.held.begun.map(({ code }) => code)).toEqual(['running()', 'old()']);
});

test('several kernels a channel: an edit to another language moves the run to the other queue', async () => {
  await using rig = await startSessionRig({ several: true });
  await rig.submit('running()');
  await rig.held.untilBegun('running()');
  const edited = await rig.submit('old()');
  const edit = { snippet: { language: 'scala-spark', blocks: ['new()'] }, editedTs: '9.0' };
  expect(await rig.admission.replaceWaiting(edited.run, edit)).toBe(true);
  const begun = await rig.held.untilBegun('new()');
  expect(begun.kernel.name).toBe('scala-spark');
  expect(rig.kernels.find('T1/C1/python3')?.unfinished).toHaveLength(1);
});

test('an edit whose answer of the store was lost changes nothing: the code that runs is the code that is stored', async () => {
  await using rig = await startSessionRig();
  await rig.submit('running()');
  const running = await rig.held.untilBegun('running()');
  const edited = await rig.submit('old()');
  rig.faults.after = (method) => {
    if (method === 'save') throw silent();
  };
  const edit = { snippet: { language: undefined, blocks: ['new()'] }, editedTs: '1' };
  await expect(rig.admission.replaceWaiting(edited.run, edit)).rejects.toThrow('no answer');
  rig.faults.after = () => undefined;
  running.end();
  (await rig.held.untilBegun('old()')).end();
  await rig.untilDone(edited);
  expect(await rig.runs.code(edited.run)).toEqual(['old()']);
});
