import { expect, test } from 'vitest';
import { askSlash, finalAnswer, untilShown } from '../../support/ask.ts';
import { holdKernels } from '../../support/held-kernels.ts';
import { untilPosted } from '../../support/run-store-file.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startRig } from '../listeners/listeners-rig.ts';

/** A button is pressed while the run ends: the run is over by the time the press is handled. */
test('a Stop that is handled after the end of the run says so', async () => {
  const gateway = await startScriptedGateway();
  const kernels = holdKernels(gateway);
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground, bot } = rig;
  const { ts: thread } = playground.as('ben').post('#data', '@sparkthread `long()`');
  const run = await kernels.untilBegun('long()');
  const live = await untilShown(playground, '#data', thread, 'run:stop');
  const held = playground.hold('users.info');
  const press = playground.as('ana').press(live, 'run:stop');
  await held.reached;
  run.end();
  await finalAnswer(playground, '#data', thread);
  await untilPosted(bot.folder, thread);
  held.release();
  await press;
  expect((await playground.waitForEphemeral('ana')).text).toContain('has ended already');
  await gateway.close();
});

test('a Delete that is handled after the answer is closed still deletes it', async () => {
  const gateway = await startScriptedGateway();
  holdKernels(gateway).letRun();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground, bot } = rig;
  const warm = await askSlash(playground, 'ben', '#data', '/spark warm()');
  await untilPosted(bot.folder, warm.thread);
  // The answer is posted, its files are not yet: the store says that the run has ended, not that it is posted.
  const upload = playground.hold('files.completeUploadExternal');
  const { ts: thread } = playground.as('ben').post('#data', `@sparkthread \`${'long_'.repeat(2_000)}\``);
  const { message } = await finalAnswer(playground, '#data', thread);
  await upload.reached;
  const held = playground.hold('users.info');
  const press = playground.as('ana').press(message, 'run:delete');
  await held.reached;
  upload.release();
  await untilPosted(bot.folder, thread);
  held.release();
  await press;
  await playground.waitFor(() => playground.replies('#data', thread).length === 0, {
    what: 'the answer to go',
  });
  await gateway.close();
});
