import { afterAll, beforeAll, expect, test } from 'vitest';
import { askSlash } from '../../support/ask.ts';
import { type ScriptedGateway, startScriptedGateway } from '../../support/scripted-gateway.ts';
import { type Rig, startRig } from './listeners-rig.ts';

/** Nobody runs by accident: neither in a language that another has chosen, nor a slip of the finger, nor talk. */
let gateway: ScriptedGateway;
let rig: Rig;
const given: string[] = [];

beforeAll(async () => {
  gateway = await startScriptedGateway();
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => {
      given.push(`${kernel.name}: ${String(request.content['code'])}`);
      kernel.run(request, 'out');
    };
  };
  rig = await startRig(
    gateway,
    { DEFAULT_LANGUAGE: 'python3', LANGUAGES: 'scala=scala-spark', KERNELS_PER_CHANNEL: 'several' },
    { rates: false },
  );
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await gateway.close();
});

test('a language that one run names is for that run; `use` chooses it for the channel', async () => {
  const { playground } = rig;
  playground.addChannel('once');
  await askSlash(playground, 'ana', '#once', '/spark first()');
  await askSlash(playground, 'ben', '#once', '/spark scala second()');
  await askSlash(playground, 'ana', '#once', '/spark third()');
  await playground.as('ana').slash('#once', '/spark use scala');
  await playground.waitForMessage('#once', ({ text }) => text.includes('run on `scala-spark`'));
  await askSlash(playground, 'ben', '#once', '/spark python3 fourth()');
  await askSlash(playground, 'ana', '#once', '/spark fifth()');
  expect(given).toEqual([
    'python3: first()',
    'scala-spark: second()',
    'python3: third()',
    'python3: fourth()',
    'scala-spark: fifth()',
  ]);
});

test('without a choice the language is that of the channel’s kernel', async () => {
  const { playground } = rig;
  playground.addChannel('kernels-own');
  await askSlash(playground, 'ana', '#kernels-own', '/spark scala one()');
  await askSlash(playground, 'ana', '#kernels-own', '/spark two()');
  expect(given.slice(-2)).toEqual(['scala-spark: one()', 'scala-spark: two()']);
});
