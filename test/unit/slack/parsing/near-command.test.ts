import { expect, test } from 'vitest';
import { readUnknownBang } from '../../../../src/slack/parsing/command.ts';
import { readNearCommand } from '../../../../src/slack/parsing/request.ts';

test.each([
  ['restrat', 'restart'],
  ['Restrat', 'restart'],
  ['hist', 'history'],
  ['kernel', 'kernels'],
  ['langauges', 'languages'],
  ['stats', 'status'],
  ['shutdwon', 'shutdown'],
  ['hlep', 'help'],
  ['-h', 'help'],
  ['--help', 'help'],
  ['?', 'help'],
  ['Restart!', 'restart'],
  ['statsu.', 'status'],
  ['help use', 'help'],
  ['save my daily report', 'save my-daily-report'],
  ['Forget my report', 'forget my-report'],
  ['help me', 'help'],
  ['status now', 'status'],
  ['!stop', 'stop'],
  ['history 5', 'history'],
  ['save a/b', 'save'],
  ['unschedule number2', 'unschedule'],
  ['status #data', 'status'],
  ['use `python3`', 'use'],
  ['!Help', 'help'],
  ['restrat #data', 'restart #data'],
  ['shut down', 'shutdown'],
  ['Re start', 'restart'],
  ['restrat python2', 'restart python2'],
])('%j is nearly %j', (typed, meant) => {
  expect(readNearCommand(typed)).toEqual({ kind: 'near', typed, meant });
});

test.each([
  'help',
  'x.',
  '!',
  'state',
  'step',
  'top',
  'user',
  'x',
  'df',
  'spark',
  'kernel()',
  'restrat(x)',
  'status = 1',
  'history is',
  'stop if',
  'stop -1',
  'help\nme',
  'help me please',
  '!ls',
  '!stop 1',
  'run f(x)',
  'save x=1',
  'use `a` + `b`',
  'use "python3"',
  '',
])('%j is code', (typed) => {
  expect(readNearCommand(typed)).toBeUndefined();
});

test.each(['!stats', '!stop!', '!stop.', '!stop now', '!help nonsense', '!use python2', '!run daily n=1'])(
  '%j, a lone !word or a command behind a !, is answered with the commands of a thread',
  (text) => {
    expect(readUnknownBang(text)).toMatchObject({
      kind: 'malformed',
      sentence: expect.stringContaining('!stop'),
    });
  },
);

test.each(['!ls -l', '!important thing', '!', '!!', '! stop', 'stop!', '!1'])('%j is talk', (text) => {
  expect(readUnknownBang(text)).toBeUndefined();
});
