import { expect, test } from 'vitest';
import { type SessionRig, startSessionRig } from '../../../../support/session-rig.ts';

function living(rig: SessionRig): string[] {
  return [...rig.gateway.kernels.values()].filter(({ isDeleted }) => !isDeleted).map(({ id }) => id);
}

/** Holds calls of this method until it is let go; `asked` resolves with the first of them. */
function hold(rig: SessionRig, method: string, path = ''): { asked: Promise<void>; letGo: () => void } {
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  rig.gateway.answer = async (call) => {
    if (call.method !== method || !call.path.includes(path)) return undefined;
    asked.resolve();
    await held.promise;
    return undefined;
  };
  return { asked: asked.promise, letGo: () => held.resolve() };
}

test('D19: a kernel that is shut down twice, with a run in between, does not cost that run its new kernel', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const deletion = hold(rig, 'DELETE');
  const first = rig.session().shutDown();
  await deletion.asked;
  const live = await rig.submit('after()');
  const second = rig.session().shutDown();
  deletion.letGo();
  await Promise.all([first, second]);
  expect((await rig.untilDone(live)).kind).toBe('ok');
  expect(living(rig)).toEqual([rig.session().record?.kernelId]);
});

test('a stop acts at once while the kernel is being restarted', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const restart = hold(rig, 'POST', '/restart');
  const restarting = rig.session().restart();
  await restart.asked;
  expect(rig.session().state).toBe('restarting');
  const live = await rig.submit('code()');
  rig.session().stop(live, { kind: 'asked', by: 'U1' });
  expect((await rig.untilEnded(live)).kind).toBe('cancelled');
  restart.letGo();
  await restarting;
});

test('a run that comes while the kernel is being restarted is sent to the new process', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const restart = hold(rig, 'POST', '/restart');
  const restarting = rig.session().restart();
  await restart.asked;
  const live = await rig.submit('code()');
  expect(rig.held.begun).toHaveLength(1);
  restart.letGo();
  await restarting;
  expect((await rig.untilDone(live)).kind).toBe('ok');
});

test.each(['before', 'after'])(
  'a start while the lease is in doubt, %s its request, goes on when it is sure again, and leaves one kernel',
  async (when) => {
    await using rig = await startSessionRig();
    let doubts = when === 'before' ? 3 : 0;
    rig.isSure = () => (doubts -= 1) < 0;
    const start = rig.gateway.onStart;
    rig.gateway.onStart = (kernel, call) => {
      start(kernel, call);
      if (when === 'after') doubts = 3;
    };
    rig.held.letRun();
    expect((await rig.untilDone(await rig.submit('code()'))).kind).toBe('ok');
    expect(living(rig)).toEqual([rig.session().record?.kernelId]);
  },
);

test('a kernel that has been started when the gateway goes away is used when it is back', async () => {
  await using rig = await startSessionRig();
  rig.gateway.answer = ({ isUpgrade, method }) => (isUpgrade || method !== 'POST' ? 'reset' : undefined);
  const live = await rig.submit('code()');
  await rig.untilShown(live, ({ outage }) => outage !== undefined);
  rig.gateway.answer = () => undefined;
  rig.held.letRun();
  expect((await rig.untilDone(live)).kind).toBe('ok');
  expect(living(rig)).toEqual([rig.session().record?.kernelId]);
});

test.each(['all', 'some'])(
  'a start that meets an ingress without a route to the gateway, for %s requests, waits for it',
  async (which) => {
    await using rig = await startSessionRig();
    rig.gateway.answer = ({ path, method }) =>
      which === 'all' || (path.endsWith('/kernels') && method === 'POST')
        ? { status: 404, body: '<html>default backend - 404</html>' }
        : undefined;
    const posted = rig.gateway.untilCall(({ method }) => method === 'POST');
    const live = await rig.submit('code()');
    await posted;
    if (which === 'all') await rig.untilShown(live, ({ outage }) => outage?.code === 'unreachable');
    rig.gateway.answer = () => undefined;
    rig.held.letRun();
    expect((await rig.untilDone(live)).kind).toBe('ok');
    expect(living(rig)).toEqual([rig.session().record?.kernelId]);
  },
);

test.each([404, 429])('a start that a proxy answers with %d for a moment is tried again', async (status) => {
  await using rig = await startSessionRig();
  let isStopped = true;
  rig.gateway.answer = ({ path, method }) => {
    if (!isStopped || (path !== '/api/kernelspecs' && method !== 'POST')) return undefined;
    // The gateway is there again for the question that follows.
    isStopped = status === 404 && method === 'POST';
    return { status, body: '<html></html>' };
  };
  rig.held.letRun();
  expect((await rig.untilDone(await rig.submit('code()'))).kind).toBe('ok');
  expect(living(rig)).toEqual([rig.session().record?.kernelId]);
});

test('a new kernel whose websocket cannot be opened is removed where the gateway answers, and the next run gets another', async () => {
  await using rig = await startSessionRig();
  rig.gateway.answer = ({ isUpgrade }) => (isUpgrade ? { status: 502, body: '' } : undefined);
  expect((await rig.untilDone(await rig.submit('code()'))).kind).toBe('notStarted');
  expect([living(rig), rig.session().record]).toEqual([[], undefined]);
  rig.gateway.answer = () => undefined;
  rig.held.letRun();
  expect((await rig.untilDone(await rig.submit('code()'))).kind).toBe('ok');
});

test('a stop while the kernel starts leaves no kernel and no record', async () => {
  await using rig = await startSessionRig();
  const { opening, letGo } = rig.holdUpgrades();
  const live = await rig.submit('code()');
  await opening;
  expect(rig.session().state).toBe('starting');
  rig.session().stop(live, { kind: 'asked', by: 'U1' });
  expect((await rig.untilDone(live)).kind).toBe('cancelled');
  letGo();
  await expect.poll(() => living(rig)).toEqual([]);
  expect(rig.kernels.find('T1/C1')).toBeUndefined();
  await expect.poll(async () => (await rig.records.readAll()).size).toBe(0);
});

test('a stop and a crash before the gateway has answered the start leave no kernel', async () => {
  await using rig = await startSessionRig();
  const post = hold(rig, 'POST');
  const live = await rig.submit('code()');
  await post.asked;
  rig.session().stop(live, { kind: 'asked', by: 'U1' });
  await rig.untilDone(live);
  await rig.replace('killed');
  post.letGo();
  await expect.poll(() => rig.gateway.kernels.size).toBe(1);
  await expect.poll(() => living(rig)).toEqual([]);
});

test.each(['killed', 'closed'] as const)(
  'a start whose answer is lost leaves no kernel, also where this process is %s',
  async (how) => {
    await using rig = await startSessionRig();
    rig.gateway.answer = ({ method }) => (method === 'GET' ? undefined : 'reset');
    const posted = rig.gateway.untilCall(({ method }) => method === 'POST');
    expect((await rig.untilDone(await rig.submit('code()'))).kind).toBe('notStarted');
    const { body } = await posted;
    await rig.replace(how);
    const kernel = rig.gateway.addKernel();
    rig.gateway.kernels.set((body as { kernel_id: string }).kernel_id, kernel);
    rig.gateway.answer = () => undefined;
    await expect.poll(() => kernel.isDeleted).toBe(true);
  },
);

test.each(['reset', 'hang'] as const)(
  'a stop acts at once while the gateway is away (%s), and leaves no kernel',
  async (away) => {
    await using rig = await startSessionRig({ timings: { callMs: away === 'hang' ? 600_000 : 10_000 } });
    const { opening, letGo } = rig.holdUpgrades();
    const live = await rig.submit('code()');
    await opening;
    const held = Promise.withResolvers<undefined>();
    rig.gateway.answer = () => (away === 'hang' ? held.promise : away);
    rig.session().stop(live, { kind: 'asked', by: 'U1' });
    expect((await rig.untilDone(live)).kind).toBe('cancelled');
    expect(living(rig)).toHaveLength(1);
    rig.gateway.answer = () => undefined;
    held.resolve(undefined);
    letGo();
    await expect.poll(() => living(rig)).toEqual([]);
  },
);

test('a kernel that is gone is replaced, and the run says so', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  await rig.replace('closed');
  rig.gateway.kernels.get(rig.session().record!.kernelId)!.isDeleted = true;
  const live = await rig.submit('after()');
  expect((await rig.untilDone(live)).kind).toBe('ok');
  expect(live.run.data.notes.join()).toContain('The channel’s kernel was gone');
});

test('a kernel that is gone is replaced also where a front lets no kernel be deleted', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  await rig.replace('closed');
  rig.gateway.kernels.get(rig.session().record!.kernelId)!.isDeleted = true;
  rig.gateway.answer = ({ method }) => (method === 'DELETE' ? { status: 405, body: '' } : undefined);
  expect((await rig.untilDone(await rig.submit('after()'))).kind).toBe('ok');
});

test('a stop acts at once while a kernel that is gone is being deleted', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  await rig.replace('closed');
  rig.gateway.kernels.get(rig.session().record!.kernelId)!.isDeleted = true;
  const deletion = hold(rig, 'DELETE');
  const live = await rig.submit('after()');
  await deletion.asked;
  rig.session().stop(live, { kind: 'asked', by: 'U1' });
  expect((await rig.untilEnded(live)).kind).toBe('cancelled');
  deletion.letGo();
});

test('a run whose kernel is shut down while it is being connected gets a new one', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  await rig.replace('closed');
  const kernel = rig.gateway.kernels.get(rig.session().record!.kernelId)!;
  const upgrade = Promise.withResolvers<void>();
  kernel.upgradable = upgrade.promise;
  const opening = rig.gateway.untilCall(({ isUpgrade }) => isUpgrade);
  const live = await rig.submit('after()');
  await opening;
  await rig.session().shutDown();
  upgrade.resolve();
  expect((await rig.untilDone(live)).kind).toBe('ok');
  expect(living(rig)).toEqual([rig.session().record?.kernelId]);
});

test('the loss of a kernel is told by the first run that gets a new one, also after a failed start', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  await rig.replace('closed');
  rig.gateway.kernels.get(rig.session().record!.kernelId)!.isDeleted = true;
  rig.gateway.answer = ({ method }) =>
    method === 'POST' ? { status: 500, body: { message: 'no resources', reason: 'full' } } : undefined;
  expect((await rig.untilDone(await rig.submit('fails()'))).kind).toBe('notStarted');
  rig.gateway.answer = () => undefined;
  const live = await rig.submit('after()');
  expect((await rig.untilDone(live)).kind).toBe('ok');
  expect(live.run.data.notes).toEqual([expect.stringContaining('The channel’s kernel was gone')]);
  const next = await rig.submit('next()');
  await rig.untilDone(next);
  expect(next.run.data.notes).toEqual([]);
});

test('a kernel that the gateway restarted while it was idle is told by the next run, once', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const kernel = rig.gateway.kernels.get(rig.session().record!.kernelId)!;
  kernel.status('restarting');
  kernel.comeUp();
  await expect.poll(() => rig.session().record?.restartedUnseen).toBe(true);
  const live = await rig.submit('after()');
  await rig.untilDone(live);
  expect(live.run.data.notes.join()).toContain('restarted meanwhile');
  const next = await rig.submit('next()');
  await rig.untilDone(next);
  expect(next.run.data.notes).toEqual([]);
});

test('a kernel that failed to run code repeats its count: it has not been restarted', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('sys.stdout = None'));
  const kernel = rig.gateway.kernels.get(rig.session().record!.kernelId)!;
  const counts = [2, 2, 1];
  kernel.onExecute = (request) => {
    const count = counts.shift();
    kernel.begin(request, count);
    kernel.end(request, { execution_count: count });
  };
  for (const expected of [[], [], [expect.stringContaining('restarted meanwhile')]]) {
    const live = await rig.submit('next()');
    await rig.untilDone(live);
    expect(live.run.data.notes).toEqual(expected);
  }
});

test('a kernel that died under one run: the next one says so, and nobody counts as having variables in it', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const kernel = rig.gateway.kernels.get(rig.session().record!.kernelId)!;
  const { onExecute } = kernel;
  kernel.onExecute = (request) => {
    kernel.onExecute = onExecute;
    kernel.begin(request);
    kernel.status('restarting');
    kernel.comeUp();
  };
  expect((await rig.untilDone(await rig.submit('dies()'))).kind).toBe('kernelDied');
  await rig.session().settled;
  expect(rig.session().record?.requesters).toEqual([]);
  const next = await rig.submit('next()', { requester: 'U2' });
  await rig.untilDone(next);
  expect(next.run.data.notes.join()).toContain('restarted meanwhile');
});

test('a kernel whose new process never answers is removed, and the next run starts another', async () => {
  await using rig = await startSessionRig({ launchTimeoutMs: 3_000 });
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const kernel = rig.gateway.kernels.get(rig.session().record!.kernelId)!;
  kernel.answersInfo = false;
  kernel.status('restarting');
  await expect.poll(() => rig.session().record?.restartedUnseen).toBe(true);
  const waits = await rig.submit('waits()');
  expect(await rig.untilDone(waits)).toMatchObject({
    kind: 'notStarted',
    detail: expect.stringContaining('gives no answer for 3 s'),
  });
  await rig.session().settled;
  expect(kernel.isDeleted).toBe(true);
  const after = await rig.submit('after()');
  expect((await rig.untilDone(after)).kind).toBe('ok');
  expect(after.run.data.notes.join()).toContain('Its variables are lost.');
});

test('code that leaves its kernel: the kernel is ended, and the next run gets a new one', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const before = rig.session().record!.kernelId;
  const kernel = rig.gateway.kernels.get(before)!;
  kernel.onExecute = (request) => {
    kernel.begin(request);
    kernel.end(request, { payload: [{ source: 'ask_exit', keepkernel: false }] });
  };
  expect((await rig.untilDone(await rig.submit('exit()'))).kind).toBe('exited');
  expect(kernel.isDeleted).toBe(true);
  const after = await rig.submit('after()', { requester: 'U2' });
  expect((await rig.untilDone(after)).kind).toBe('ok');
  expect(after.run.data.notes.join()).toContain('The code of the run before ended the channel’s kernel');
  expect(rig.session().record?.kernelId).not.toBe(before);
});

test('a restart of a kernel that is gone says so, and the next run starts a new one', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  rig.gateway.kernels.get(rig.session().record!.kernelId)!.isDeleted = true;
  await expect(rig.session().restart()).rejects.toMatchObject({ code: 'noKernel' });
  const after = await rig.submit('after()', { requester: 'U2' });
  expect((await rig.untilDone(after)).kind).toBe('ok');
  // Only who asked for the restart has been told.
  expect(after.run.data.notes.join()).toContain('Its variables are lost.');
});

test('a start that failed leaves nothing behind, and the run says why', async () => {
  await using rig = await startSessionRig();
  rig.gateway.answer = ({ method }) =>
    method === 'POST' ? { status: 500, body: { message: 'no resources', reason: 'full' } } : undefined;
  const outcome = await rig.untilDone(await rig.submit('code()'));
  expect(outcome.kind).toBe('notStarted');
  expect(rig.kernels.find('T1/C1')).toBeUndefined();
});

test('the record knows everyone who ran code, and forgets them with the variables', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('one()'));
  expect(rig.session().hasRunAlone((await rig.submit('two()', { requester: 'U2' })).run)).toBe(false);
  await rig.session().settled;
  expect(rig.session().record?.requesters).toEqual(['U1', 'U2']);
  await rig.session().restart();
  expect(rig.session().record).toMatchObject({ requesters: [], executionCount: 0 });
});

test('an idle kernel that the gateway gave up and a restart brought back is kept', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('before()'));
  const { kernelId } = rig.session().record!;
  const kernel = rig.gateway.kernels.get(kernelId)!;
  kernel.status('restarting');
  kernel.executionState = 'dead';
  kernel.status('dead');
  await expect.poll(() => kernel.sockets.size).toBe(0);
  kernel.onRestart = () => {
    kernel.executionState = 'starting';
    kernel.comeUp();
  };
  await rig.session().restart();
  const live = await rig.submit('after()');
  expect((await rig.untilDone(live)).kind).toBe('ok');
  await rig.session().settled;
  expect(rig.session().record?.kernelId).toBe(kernelId);
});
