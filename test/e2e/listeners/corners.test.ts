import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { type ScriptedKernel, startScriptedGateway } from '../../support/scripted-gateway.ts';
import { buttonsOf, fence, shown, startRig } from './listeners-rig.ts';
import { startWordGateway } from './scripted-kernel.ts';

test('a modal opens before its trigger expires although the gateway is silent, and then says what is wrong', async () => {
  const gateway = await startScriptedGateway();
  gateway.answer = (call) => (call.path === '/api/kernelspecs' ? 'hang' : undefined);
  await using rig = await startRig(gateway);
  const { playground } = rig;
  const ana = playground.as('ana');
  expect(await ana.globalShortcut('open_editor')).toMatchObject({ ok: true });
  const modal = await playground.waitFor(() => ana.modal);
  expect(JSON.stringify(modal.draft.blocks)).toContain('One moment');
  await playground.waitFor(() => JSON.stringify(modal.draft.blocks).includes('gateway cannot be reached'));
  await gateway.close();
});

test('a kernel that a stop does not wake from its question gets an empty line, and serves the next run', async () => {
  const gateway = await startScriptedGateway();
  gateway.onStart = (kernel) => {
    // As in IRkernel an interrupt does not reach a read.
    kernel.onExecute = (request) => {
      if (request.content['code'] !== 'ask') return kernel.run(request, 'next');
      kernel.begin(request);
      kernel.send('input_request', { prompt: 'R> ', password: false }, { parent: request, channel: 'stdin' });
      void kernel.untilReceived('input_reply').then((reply) => {
        kernel.stream(request, `got [${String(reply.content['value'])}]`);
        kernel.end(request, { status: 'abort' });
      });
    };
  };
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3', INPUT_TIMEOUT: '1s' });
  const { playground } = rig;
  const root = playground.as('ana').post('#data', fence('ask', '@sparkthread '));
  const answer = await rig.final('#data', root.ts);
  expect(shown(answer)).toContain('got []');
  expect(shown(answer)).toContain('no input came');
  const next = playground.as('ana').post('#data', fence('1', '@sparkthread '));
  expect(shown(await rig.final('#data', next.ts))).toContain('next');
  await gateway.close();
});

test('when a question was lost with the connection, the answer says that one may be open until the code goes on; a stop ends the run', async () => {
  const gateway = await startScriptedGateway();
  const begun = Promise.withResolvers<ScriptedKernel>();
  const goOn = Promise.withResolvers<void>();
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => {
      kernel.begin(request);
      kernel.onInterrupt = () => {
        kernel.onExecute = (next) => kernel.run(next);
        kernel.end(request, { status: 'error', ename: 'KeyboardInterrupt', evalue: '', traceback: [] });
      };
      begun.resolve(kernel);
      void goOn.promise.then(() => kernel.stream(request, 'at work'));
    };
  };
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground } = rig;
  const ana = playground.as('ana');
  const root = ana.post('#data', fence('use(input())', '@sparkthread '));
  const kernel = await begun.promise;
  const answer = () => playground.replies('#data', root.ts)[0] ?? root;
  const isTold = () => shown(answer()).includes('a question that this code asked may be lost');
  kernel.drop();
  await playground.waitFor(isTold);
  expect(buttonsOf(answer())).not.toContain('run:answerInput');
  goOn.resolve();
  await playground.waitFor(() => shown(answer()).includes('at work') && !isTold());
  kernel.drop();
  await playground.waitFor(isTold);
  await ana.press(answer(), 'run:stop');
  await rig.final('#data', root.ts);
  expect(kernel.interrupts).toBe(1);
  await gateway.close();
});

test('a bot is never asked for input: the kernel is told so', async () => {
  const gateway = await startScriptedGateway();
  const allowed: unknown[] = [];
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => {
      allowed.push(request.content['allow_stdin']);
      kernel.run(request, 'done');
    };
  };
  await using rig = await startRig(gateway, (playground) => ({
    DEFAULT_LANGUAGE: 'python3',
    ALLOWED_BOTS: playground.user('deploybot').id,
  }));
  const { playground } = rig;
  for (const user of ['deploybot', 'ana']) {
    const root = playground.as(user).post('#data', fence('1', '@sparkthread '));
    await rig.final('#data', root.ts);
  }
  expect(allowed).toEqual([false, true]);
  await gateway.close();
});

test('an edit after EDIT_WINDOW is refused, and an edit into a command is too', async () => {
  const gateway = await startScriptedGateway();
  let clockMs = Date.now();
  const settings = { DEFAULT_LANGUAGE: 'python3', EDIT_WINDOW: '90s' };
  await using rig = await startRig(gateway, settings, { now: () => (clockMs += 1) });
  const { playground } = rig;
  const ana = playground.as('ana');
  const root = ana.post('#data', fence('1', '@sparkthread '));
  await rig.final('#data', root.ts);
  ana.edit(root, '@sparkthread shutdown');
  const command = await playground.waitForEphemeral('ana');
  expect(command.text).toContain('never a command');
  clockMs += 90_000;
  ana.edit(root, fence('2', '@sparkthread '));
  const late = await playground.waitForEphemeral('ana', ({ text }) => text.includes('too late'));
  expect(late.text).toContain('edits count for 1 min 30 s. Send the code as a new message');
  expect(buttonsOf(playground.replies('#data', root.ts)[0] ?? root)).toContain('run:runAgain');
  await gateway.close();
});

test('deleting a reply removes its answer even if Slack does not say in which thread the reply was', async () => {
  const gateway = await startScriptedGateway();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground } = rig;
  const ana = playground.as('ana');
  const root = ana.post('#data', 'look at this');
  const asked = ana.post('#data', fence('1', '@sparkthread '), { thread: root.ts });
  const answer = await rig.final('#data', root.ts);
  const deleted = {
    type: 'message',
    subtype: 'message_deleted',
    channel: asked.channel,
    deleted_ts: asked.ts,
  };
  const envelope = playground.deliveries.find(({ name }) => name === 'message')?.body;
  playground.service.deliveries.event('message', { ...envelope, event_id: 'Ev0DELETED', event: deleted });
  await playground.waitFor(() => !playground.messages('#data').some(({ ts }) => ts === answer.ts));
  await gateway.close();
});

test('a press that was carried out is not reported as broken when only its acknowledgement was lost', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground } = rig;
  const { root, answer } = await rig.slash('ana', '#data', '/spark 1');
  const held = playground.hold('users.info');
  const pressed = playground.as('ben').press(answer, 'run:runAgain');
  await held.reached;
  const since = rig.bot.log.length;
  playground.drop();
  await rig.bot.untilLog((line) => String(line['msg']).includes('websocket to Slack broke'), since);
  held.release();
  await pressed;
  const second = await rig.final('#data', root.ts, ({ ts }) => ts !== answer.ts);
  expect(second.text).toContain('Done');
  await playground.waitForConnection();
  expect(playground.ephemerals('ben').filter(({ text }) => text.includes('nothing ran'))).toEqual([]);
});

test('an edited run removes the files of the run before, and Delete removes all files', async () => {
  const gateway = await startScriptedGateway();
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => {
      const code = String(request.content['code']);
      kernel.run(request, code === 'long' ? 'line\n'.repeat(5_000) : code);
    };
  };
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground } = rig;
  const ana = playground.as('ana');
  const root = ana.post('#data', fence('long', '@sparkthread '));
  await playground.waitFor(() => playground.files.length === 1);
  await rig.final('#data', root.ts);
  await rig.bot.untilLog(({ audit }) => audit === 'run');
  await playground.waitFor(() => playground.replies('#data', root.ts).length === 2);
  ana.edit(root, fence('short', '@sparkthread '));
  const second = await rig.final('#data', root.ts, (reply) => shown(reply).includes('short'));
  await playground.waitFor(() => playground.files.length === 0);
  await playground.waitFor(() => playground.replies('#data', root.ts).length === 1);
  await ana.press(second, 'run:delete');
  await playground.waitFor(() => playground.replies('#data', root.ts).length === 0);
  await rig.bot.stop();
  const db = new DatabaseSync(join(rig.bot.folder, 'sparkthread.db'));
  const left = db.prepare('SELECT count(*) AS n FROM runs').get();
  db.close();
  expect(left).toMatchObject({ n: 0 });
  await gateway.close();
});

test('a run is stopped from the home tab, which shows it then', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground } = rig;
  const ben = playground.as('ben');
  const root = ben.post('#data', fence('hang', '@sparkthread '));
  await playground.waitForReply('#data', root.ts, (reply) => shown(reply).includes('begun'));
  ben.openHome();
  const home = await playground.waitFor(() => ben.home);
  expect(JSON.stringify(home.draft.blocks)).toContain('Running');
  await ben.pressInView(home, 'run:stop');
  expect(shown(await rig.final('#data', root.ts))).toContain('Stopped');
  ben.openHome();
  await playground.waitFor(() => JSON.stringify(ben.home?.draft.blocks).includes('Stopped'));
  expect(JSON.stringify(ben.home?.draft.blocks)).not.toContain('run:stop');
});

test('a home tab that Slack did not take at first is shown later, and not over a newer one', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground } = rig;
  const ben = playground.as('ben');
  const published = () => playground.callsOf('views.publish').length;
  playground.fail('views.publish', { kind: 'status', status: 503 });
  ben.openHome();
  await playground.waitFor(() => published() === 1);
  await rig.slash('ben', '#data', '/spark newest');
  ben.openHome();
  await playground.waitFor(() => published() === 3);
  await playground.waitFor(() => JSON.stringify(ben.home?.draft.blocks).includes('newest'));
});

test('a button that this version does not know is acknowledged, and answered', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(gateway);
  const { playground } = rig;
  const text = { type: 'plain_text', text: 'Explain' } as const;
  const blocks = [
    { type: 'actions' as const, elements: [{ type: 'button' as const, action_id: 'explain', text }] },
  ];
  const old = playground.service.conversation.post(playground.channel('#data'), playground.bot, {
    text: 'old',
    blocks,
  });
  expect(await playground.as('ana').press(old, 'explain')).toMatchObject({ ok: true });
  const told = await playground.waitForEphemeral('ana');
  expect(told.text).toContain('This button is of an earlier version');
});
