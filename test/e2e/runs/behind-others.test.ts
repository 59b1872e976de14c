import { expect, test } from 'vitest';
import { finalAnswer } from '../../support/ask.ts';
import {
  type ScriptedGateway,
  type ScriptedKernel,
  type ScriptMessage,
  startScriptedGateway,
} from '../../support/scripted-gateway.ts';
import { startRig } from '../listeners/listeners-rig.ts';

/** Somebody's notebook is connected to the channel's kernel as well, and its code runs when ours comes. */
function occupy(gateway: ScriptedGateway): Promise<{ kernel: ScriptedKernel; request: ScriptMessage }> {
  return new Promise((resolve) => {
    gateway.onStart = (kernel) => {
      kernel.onRestart = () => kernel.comeUp();
      kernel.onExecute = (request) => {
        if (request.content['code'] !== 'ours()') return kernel.run(request, 'served');
        const header = { ...request.header, msg_id: 'theirs', session: 'theirs' };
        kernel.status('busy', { ...request, header });
        resolve({ kernel, request });
      };
    };
  });
}

test.concurrent.each(['in a kernel that is connected', 'in a kernel that is new'])(
  'behind another client’s code %s: the answer says so, says that a stop has no effect, and offers a restart',
  async (where) => {
    const gateway = await startScriptedGateway();
    const occupied = occupy(gateway);
    await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
    const { playground } = rig;
    const shown = (thread: string, words: string) =>
      playground.waitForReply('#data', thread, ({ blocks }) => JSON.stringify(blocks).includes(words));
    if (where.endsWith('connected')) await rig.slash('ana', '#data', '/spark warm()');
    const { ts: thread } = playground.as('ana').post('#data', '@sparkthread `ours()`');
    const { kernel } = await occupied;
    await playground.as('ana').press(await shown(thread, 'another client'), 'run:stop');
    const offered = await shown(thread, 'run:restart');
    expect(kernel.interrupts).toBe(0);
    await playground.as('ana').press(offered, 'run:restart');
    expect((await finalAnswer(playground, '#data', thread)).outcome).toBe('kernelRestarted');
    await rig.slash('ana', '#data', '/spark after()');
    await gateway.close();
  },
);
