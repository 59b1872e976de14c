import { expect, test } from 'vitest';
import type { RunView } from '../../../../../src/runs/run-view.ts';
import type { LiveRun } from '../../../../../src/runs/session/run/live-run.ts';
import type { ScriptMessage } from '../../../../support/scripted-gateway.ts';
import { type RigOptions, type SessionRig, startSessionRig } from '../../../../support/session-rig.ts';

interface Asked {
  rig: SessionRig;
  live: LiveRun;
  promptId: string;
  replies: () => string[];
  /** A thread of the code prints. */
  print: (text: string) => void;
  /** Ends the code that asked. */
  end: () => void;
}

/** A run whose code asks for a line. */
async function askedRig(
  options: RigOptions = {},
  question = { prompt: 'name?', password: false },
): Promise<Asked> {
  const rig = await startSessionRig(options);
  const asking = Promise.withResolvers<ScriptMessage>();
  const start = rig.gateway.onStart;
  rig.gateway.onStart = (kernel, call) => {
    start(kernel, call);
    kernel.onExecute = (request) => {
      kernel.begin(request);
      kernel.send('input_request', question, { parent: request, channel: 'stdin' });
      asking.resolve(request);
    };
  };
  const live = await rig.submit('input()');
  const request = await asking.promise;
  await rig.untilShown(live, ({ phase }) => phase.kind === 'inputAsked');
  const [kernel] = rig.gateway.kernels.values();
  return {
    rig,
    live,
    promptId: live.run.data.inputRequest!.id,
    replies: () =>
      kernel!.received
        .filter(({ header }) => header.msg_type === 'input_reply')
        .map(({ content }) => String(content['value'])),
    print: (text) => kernel!.stream(request, text),
    end() {
      kernel!.reply(request);
      kernel!.status('idle', request);
    },
  };
}

/** What the ended run shows as printed. */
function printedOf(rig: SessionRig, live: LiveRun): string {
  const parts = rig.views(live).at(-1)?.output?.parts ?? [];
  return parts.flatMap((part) => (part.kind === 'text' ? [part.text.head + part.text.tail] : [])).join('|');
}

test('a prompt is answered once, even by two answers at the same time', async () => {
  const { rig, live, promptId, replies, end } = await askedRig();
  await using _ = rig;
  const both = ['ana', 'ben'].map((line) => rig.control.answerInput(live.run, promptId, line));
  expect(await Promise.all(both)).toEqual([true, false]);
  await expect.poll(replies).toEqual(['ana']);
  expect(live.run.data.inputRequest).toBeUndefined();
  expect(live.phase.kind).toBe('running');
  end();
  expect((await rig.untilDone(live)).kind).toBe('ok');
});

test('question and answer stand in the output as on a terminal; of a password the question alone', async () => {
  for (const [password, said] of [
    [false, 'name?ana\n'],
    [true, 'name?\n'],
  ] as const) {
    const { rig, live, promptId, end } = await askedRig({}, { prompt: 'name?', password });
    await using _ = rig;
    await rig.control.answerInput(live.run, promptId, 'ana');
    end();
    await rig.untilDone(live);
    expect(printedOf(rig, live)).toBe(said);
  }
});

test('a prompt that a stop ends is in the output', async () => {
  const { rig, live, end } = await askedRig();
  await using _ = rig;
  rig.control.stop(live.run, 'U1');
  end();
  await rig.untilDone(live);
  expect(printedOf(rig, live)).toBe('name?\n');
});

test('the run of a thread that waits for its requester’s input is found, and no other person’s', async () => {
  const { rig, live, promptId, end } = await askedRig();
  await using _ = rig;
  const { workspace, channel, thread, requester } = live.run;
  const idOf = (of: string, user: string) => rig.control.awaitingInput(workspace, channel, of, user)?.id;
  expect(idOf(thread, requester)).toBe(live.id);
  expect(idOf(thread, 'USTRANGER')).toBeUndefined();
  expect(idOf('9.9', requester)).toBeUndefined();
  await rig.control.answerInput(live.run, promptId, 'ana');
  expect(idOf(thread, requester)).toBeUndefined();
  end();
  await rig.untilDone(live);
});

test('of a huge question the end is asked and stored', async () => {
  const { rig, live, end } = await askedRig(
    {},
    { prompt: `${'menu\n'.repeat(100_000)}choice?`, password: false },
  );
  await using _ = rig;
  const { prompt } = live.run.data.inputRequest!;
  expect(prompt.length).toBeLessThanOrEqual(4_000);
  expect(prompt).toMatch(/choice\?$/);
  end();
  await rig.untilDone(live);
});

test('a prompt is stored as soon as it is shown, so that a successor can ask it', async () => {
  await using rig = await startSessionRig();
  const begun = Promise.withResolvers<() => void>();
  rig.gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => {
      kernel.begin(request);
      begun.resolve(() =>
        kernel.send('input_request', { prompt: '', password: false }, { parent: request, channel: 'stdin' }),
      );
    };
  };
  const live = await rig.submit('input()');
  const stored = async () => await rig.store.runs.get(live.id);
  const ask = await begun.promise;
  await expect.poll(async () => (await stored())?.state).toBe('running');
  ask();
  await rig.untilShown(live, ({ phase }) => phase.kind === 'inputAsked');
  expect((await stored())?.data.inputRequest).toEqual(live.run.data.inputRequest);
});

test('a prompt that nobody answers ends its run after INPUT_TIMEOUT', async () => {
  const { rig, live, end } = await askedRig({ inputTimeoutMs: 20 });
  await using _ = rig;
  const [kernel] = rig.gateway.kernels.values();
  kernel!.onInterrupt = end;
  await expect.poll(() => live.signal.reason).toEqual({ kind: 'inputTimeout' });
  await rig.untilDone(live);
  expect(kernel!.interrupts).toBe(1);
});

test('a stop while the code asks interrupts it once, and the question is over', async () => {
  const { rig, live, promptId, end } = await askedRig();
  await using _ = rig;
  const [kernel] = rig.gateway.kernels.values();
  kernel!.onInterrupt = end;
  rig.control.stop(live.run, 'U1');
  await rig.untilEnded(live);
  await live.posted;
  expect(kernel!.interrupts).toBe(1);
  expect(await rig.control.answerInput(live.run, promptId, 'late')).toBe(false);
});

test('a line for a run that has ended and is not posted yet is not taken, and not asked for again', async () => {
  const { rig, live, promptId, end } = await askedRig();
  await using _ = rig;
  const posted = Promise.withResolvers<void>();
  rig.onFinish = async () => {
    await posted.promise;
    return { delivered: true, messageTs: '2.0' };
  };
  end();
  await rig.untilEnded(live);
  expect(await rig.control.answerInput(live.run, promptId, 'late')).toBe(false);
  posted.resolve();
  await live.posted;
});

test('a successor asks the same question, and its answer reaches the kernel', async () => {
  const { rig, live, promptId, replies, end } = await askedRig();
  await using _ = rig;
  await rig.replace('closed');
  const resumed = rig.kernels.run(live.id)!;
  expect(await rig.control.answerInput(resumed.run, promptId, 'ana')).toBe(true);
  await expect.poll(replies).toEqual(['ana']);
  end();
  await rig.untilEnded(live);
});

test('after kill -9 the prompt is still shown when the kernel is found to be running the code', async () => {
  const { rig, live, print, end } = await askedRig();
  await using _ = rig;
  const before = rig.views(live).length;
  const untilShownAnew = (fits: (view: RunView) => boolean) =>
    rig.untilShown(live, (view) => rig.views(live).indexOf(view) >= before && fits(view));
  await rig.replace('killed');
  await untilShownAnew(({ phase }) => phase.kind === 'inputAsked');
  print('still here\n');
  await untilShownAnew(({ output }) => JSON.stringify(output?.parts).includes('still here'));
  expect(rig.views(live).at(-1)?.phase).toMatchObject({ kind: 'inputAsked', prompt: 'name?' });
  end();
  await rig.untilEnded(live);
});

test('input for a run that is not resumed yet is refused', async () => {
  await using rig = await startSessionRig();
  const live = await rig.submit('code()', {
    data: { inputRequest: { id: 'p', prompt: '', password: false } },
  });
  await rig.held.untilBegun('code()');
  await expect(rig.control.answerInput(live.run, 'p', 'line')).rejects.toMatchObject({ code: 'notTaken' });
});
