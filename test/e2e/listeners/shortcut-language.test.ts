import { expect, test } from 'vitest';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { fence, shown, startRig } from './listeners-rig.ts';

test('“Run this code” asks for the language if nothing names it, and runs exactly that code', async () => {
  const gateway = await startScriptedGateway();
  const codes: unknown[] = [];
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => {
      codes.push(request.content['code']);
      kernel.run(request, kernel.name);
    };
  };
  await using rig = await startRig(gateway);
  const { playground } = rig;
  const code = `println("${'long '.repeat(900)}")`;
  const message = playground.as('ben').post('#data', fence(code));
  const ana = playground.as('ana');
  await ana.messageShortcut('run_message', message);
  const modal = await playground.waitFor(() => ana.modal);
  await ana.submit(modal, { language: 'scala-spark' });
  const answer = await rig.final('#data', message.ts);
  expect(shown(answer)).toContain('scala-spark');
  expect(codes).toEqual([code]);
  // Now the channel has a language: nothing is asked.
  const next = playground.as('ben').post('#data', fence('2'));
  await ana.messageShortcut('run_message', next);
  expect(shown(await rig.final('#data', next.ts))).toContain('scala-spark');
  await gateway.close();
});
