import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { settings } from '../../../src/config/settings.ts';
import { LEAST, problemsOf } from '../../support/least-settings.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sparkthread-secrets-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test('secrets come out of files, without the end of their last line', () => {
  const { slack, gateway, store, secrets, warnings } = readConfig({
    KG_URL: 'http://127.0.0.1:8888',
    SLACK_BOT_TOKEN_FILE: file('bot', 'xoxb-from-file\n'),
    SLACK_APP_TOKEN_FILE: file('app', 'xapp-from-file\r\n'),
    KG_HTTP_USER: 'ana',
    KG_HTTP_PASS_FILE: ` ${file('pass', ' with blanks \n')}`,
    STORE_URL_FILE: file('store', 'redis://:pa55word@redis'),
  });
  expect(slack).toMatchObject({
    botToken: 'xoxb-from-file',
    transport: { kind: 'socket', appToken: 'xapp-from-file' },
  });
  expect(gateway.pass).toBe(' with blanks ');
  expect(store).toMatchObject({ kind: 'redis', password: 'pa55word' });
  expect(secrets).toEqual(expect.arrayContaining(['xoxb-from-file', ' with blanks ', 'pa55word']));
  expect(warnings).toEqual([]);
});

const secretNames = settings.filter(({ secret }) => secret).map(({ name }) => name);

test.each(secretNames)('%s may lie in a file', (name) => {
  // Its own setting, which is read again when the file changes, and whose absence shows at the first request.
  if (name === 'KG_AUTH_TOKEN') return;
  expect(problemsOf({ [`${name}_FILE`]: join(folder, 'absent') })).toContain(
    `${name}_FILE must be the path of a file with the secret (ENOENT).`,
  );
});

test('a secret in place of its path is not repeated', () => {
  const problems = problemsOf({ ...LEAST, SLACK_BOT_TOKEN: '', SLACK_BOT_TOKEN_FILE: 'xoxb-pasted-here' });
  expect(problems).toEqual(['SLACK_BOT_TOKEN_FILE must be the path of a file with the secret (ENOENT).']);
});

test.for([
  ['both are given', { SLACK_BOT_TOKEN_FILE: 'x' }, 'SLACK_BOT_TOKEN is given beside SLACK_BOT_TOKEN_FILE'],
  ['a folder', { KG_AUTH_COMMAND_FILE: '/' }, '(EISDIR)'],
] as const)('told: %s', ([, env, words]) => {
  const problems = problemsOf({ ...LEAST, ...env });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(words);
});

test('an empty file and an invalid value are reported by the file’s setting, without the value', () => {
  const { SLACK_APP_TOKEN: _, ...rest } = LEAST;
  expect(problemsOf({ ...rest, SLACK_APP_TOKEN_FILE: file('empty', '\n') })).toEqual([
    'SLACK_APP_TOKEN_FILE must be the path of a file with the secret (it is empty).',
  ]);
  expect(problemsOf({ ...rest, SLACK_APP_TOKEN_FILE: file('wrong', 'xoxb-s3cret') })).toEqual([
    'SLACK_APP_TOKEN (from SLACK_APP_TOKEN_FILE) must be an app-level token, which begins with xapp-.',
  ]);
});

test('a misspelt name of a file is warned of', () => {
  expect(readConfig({ ...LEAST, SLACK_BOT_TOKN_FILE: 'x' }).warnings).toEqual([
    'SLACK_BOT_TOKN_FILE is not a setting; did you mean SLACK_BOT_TOKEN_FILE?',
  ]);
});
