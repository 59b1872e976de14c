import { describe, expect, it } from 'vitest';
import { languageWords } from '../../../../src/runs/languages/languages.ts';
import { readBangCommand, readCommand } from '../../../../src/slack/parsing/command.ts';
import { readRequest } from '../../../../src/slack/parsing/request.ts';
import { readReply } from '../../../../src/slack/parsing/snippet.ts';

describe('commands', () => {
  it.each('help languages status stop history kernels saved schedules restart shutdown'.split(' '))(
    'reads %s',
    (word) => {
      expect(readCommand(word)).toEqual({ kind: word });
      expect(readCommand(` ${word[0]?.toUpperCase()}${word.slice(1)}\n`)).toEqual({ kind: word });
    },
  );

  it.each(['weekdays 8:00 only on failure n=5', 'weekdays 8:00 n=5, only on failure'])(
    'reads schedule report %s',
    (said) => {
      expect(readCommand(`schedule report ${said}`)).toEqual({
        kind: 'schedule',
        name: 'report',
        timing: { words: 'weekdays 8:00', cron: '0 8 * * 1-5' },
        parameters: [{ name: 'n', value: { kind: 'integer', digits: '5' } }],
        onlyOnFailure: true,
      });
    },
  );

  it.each([
    ['use python2', { kind: 'use', language: 'python2' }],
    ['use  scala-spark21', { kind: 'use', language: 'scala-spark21' }],
    ['auto on', { kind: 'auto', on: true }],
    ['auto OFF', { kind: 'auto', on: false }],
    ['save report', { kind: 'save', name: 'report' }],
    ['Forget  daily-report', { kind: 'forget', name: 'daily-report' }],
    ['run report', { kind: 'run', name: 'report', parameters: [], typed: 'run report' }],
    [
      'Schedule report "*/5 * * * *"',
      {
        kind: 'schedule',
        name: 'report',
        timing: { words: '"*/5 * * * *"', cron: '*/5 * * * *' },
        parameters: [],
        onlyOnFailure: false,
      },
    ],
    ['schedule', { kind: 'scheduleForm' }],
    ['unschedule 2', { kind: 'unschedule', number: 2 }],
    ['unschedule #2', { kind: 'unschedule', number: 2 }],
    ['restart #data', { kind: 'restart', channel: '#data' }],
    ['restart python2', { kind: 'restart', language: 'python2' }],
    ['Restart kernel', { kind: 'restart' }],
    ['shutdown the kernel', { kind: 'shutdown' }],
    ['restart the scala kernel', { kind: 'restart', language: 'scala' }],
    ['restart the', { kind: 'restart', language: 'the' }],
    ['restart #my-kernel', { kind: 'restart', channel: '#my-kernel' }],
    ['restart #data scala', { kind: 'restart', channel: '#data', language: 'scala' }],
    ['Shutdown scala <#C024BE91L|data>', { kind: 'shutdown', channel: 'C024BE91L', language: 'scala' }],
    ['Shutdown  c++', { kind: 'shutdown', language: 'c++' }],
    ['restart #données', { kind: 'restart', channel: '#données' }],
    ['shutdown C024BE91L', { kind: 'shutdown', channel: 'C024BE91L' }],
    ['shutdown #C024BE91L', { kind: 'shutdown', channel: 'C024BE91L' }],
    ['restart <#C024BE91L|data>', { kind: 'restart', channel: 'C024BE91L' }],
    ['restart <#C024BE91L>', { kind: 'restart', channel: 'C024BE91L' }],
  ])('reads %s', (text, command) => {
    expect(readCommand(text)).toEqual(command);
  });

  it.each([
    'use',
    'auto',
    'auto maybe',
    'save',
    'run',
    'forget',
    'run x for 3 days',
    'run x n=abc',
    'schedule x',
    'schedule x tomorrow',
    'schedule x daily 8:00 n=abc',
    'schedule x every 7 min',
    'unschedule',
  ])('says what is wrong with %j', (text) => {
    expect(readCommand(text)).toMatchObject({ kind: 'malformed', sentence: expect.stringMatching(/\.$/) });
  });

  it.each([
    'help me',
    'help(sc)',
    'stop = 1',
    'status()',
    'use(x)',
    'use x y',
    'auto = on',
    'auto 1',
    'save = 3',
    'save(x)',
    'run(x)',
    'run = 5',
    'schedule = 5',
    'schedule(x)',
    'unschedule x',
    'run x\ny = 1',
    'run -1',
    'forget, x',
    'save a b',
    'restart(3)',
    'restart = 1',
    'history[0]',
    'help\nme',
    '!stop',
    'python2 help',
    '',
    'constructor',
  ])('takes %j for code', (text) => {
    expect(readCommand(text)).toBeUndefined();
  });
});

describe('commands in threads', () => {
  it.each(['stop', 'restart', 'status', 'help'])('reads !%s', (word) => {
    expect(readBangCommand(`!${word}`)).toEqual({ kind: word });
    expect(readBangCommand(` !${word.toUpperCase()} `)).toEqual({ kind: word });
  });

  it('reads !save with a name', () => {
    expect(readBangCommand('!save report')).toEqual({ kind: 'save', name: 'report' });
    for (const text of ['!save', '!save a/b'])
      expect(readBangCommand(text)).toMatchObject({ kind: 'malformed' });
  });

  it('reads what may follow the word', () => {
    expect(readBangCommand('!help threads')).toEqual({ kind: 'help', topic: 'threads' });
    expect(readBangCommand('!restart python2')).toEqual({ kind: 'restart', language: 'python2' });
    expect(readBangCommand('!export today')).toEqual({ kind: 'export', of: 'today' });
    expect(readBangCommand('!save daily report')).toMatchObject({ kind: 'malformed' });
  });

  it.each(['stop', '!ls', '!shutdown', '! stop', '!stop now', '!run daily', '!', ''])(
    'takes %j for something else',
    (text) => {
      expect(readBangCommand(text)).toBeUndefined();
    },
  );
});

describe('what is copied along unseen', () => {
  const words = languageWords({ kernelspecs: { default: 'python3', list: [] }, aliases: {} });
  const bare = (text: string) => ({ parts: [{ kind: 'bare' as const, text }] });

  it.each(['status\u200b', '\ufeffauto on', 'auto\u200b on\u2060'])('%j is a command', (text) => {
    expect(readRequest(bare(text), words).kind).toBe('command');
  });

  it('an answer to a question is none where it is a command', () => {
    expect(readBangCommand(readReply(bare('!stop\u200b')) ?? '')).toEqual({ kind: 'stop' });
  });
});
