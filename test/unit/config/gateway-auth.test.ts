import { describe, expect, it, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { commandLine } from '../../../src/config/parsers.ts';
import { LEAST, problemsOf } from '../../support/least-settings.ts';

describe('a command line', () => {
  it.for([
    ['gcloud config config-helper --format=json', ['gcloud', 'config', 'config-helper', '--format=json']],
    ['  a   b\tc ', ['a', 'b', 'c']],
    [`a 'b c' "d e"`, ['a', 'b c', 'd e']],
    [`a --x='b c'd "it's" ''`, ['a', '--x=b cd', "it's", '']],
    [String.raw`C:\bin\a.exe \n`, [String.raw`C:\bin\a.exe`, String.raw`\n`]],
    [`aws --query 'credentials[0].token' --out=a;b`, ['aws', '--query', 'credentials[0].token', '--out=a;b']],
    ['["sh", "-c", "a | b > $C"]', ['sh', '-c', 'a | b > $C']],
    ['["one"]', ['one']],
  ] as const)('%s', ([given, argv]) => {
    expect(commandLine.parse(given)).toEqual(argv);
  });

  it.for([
    `a 'b`,
    'a "b',
    'a | b',
    'a && b',
    'a > b',
    'a 2>&1',
    'a $TOKEN',
    'a $(b)',
    'a `b`',
    '[]',
    '[""]',
    '["a", 1]',
    '["a"',
  ])('refused: %s', (given) => {
    expect(commandLine.safeParse(given).success).toBe(false);
  });
});

test('a command, a scheme and a header; the default is Jupyter’s', () => {
  expect(readConfig({ ...LEAST, KG_AUTH_COMMAND: 'give token' }).gatewayCredentials).toEqual({
    place: { kind: 'command', argv: ['give', 'token'] },
    scheme: 'token',
    header: 'Authorization',
  });
  const env = { KG_AUTH_TOKEN_FILE: '/run/token', KG_AUTH_SCHEME: 'none', KG_AUTH_HEADER: 'X-Token' };
  expect(readConfig({ ...LEAST, ...env }).gatewayCredentials).toEqual({
    place: { kind: 'file', path: '/run/token' },
    scheme: '',
    header: 'X-Token',
  });
  expect(readConfig(LEAST).gatewayCredentials).toBeUndefined();
});

test('scheme and header are for a token that lasts too, and have Jupyter Server’s names', () => {
  const { gateway } = readConfig({
    ...LEAST,
    KG_AUTH_TOKEN: 'abc',
    JUPYTER_GATEWAY_AUTH_SCHEME: 'Bearer',
    JUPYTER_GATEWAY_AUTH_HEADER_KEY: 'X-Token',
  });
  expect(gateway).toMatchObject({ token: 'abc', authScheme: 'Bearer', authHeader: 'X-Token' });
});

test.for([
  [{ KG_AUTH_COMMAND: 'a', KG_AUTH_TOKEN_FILE: 'b' }, 'KG_AUTH_COMMAND and KG_AUTH_TOKEN_FILE'],
  [{ KG_AUTH_COMMAND: 'a', KG_AUTH_TOKEN: 'b' }, 'KG_AUTH_TOKEN is given beside KG_AUTH_COMMAND'],
  [{ KG_AUTH_TOKEN_FILE: 'a', JUPYTER_GATEWAY_AUTH_TOKEN: 'b' }, 'beside KG_AUTH_TOKEN_FILE'],
  [{ KG_AUTH_COMMAND: 'a', KG_HTTP_USER: 'b', KG_HTTP_PASS: 'c' }, 'both want the header Authorization'],
  [{ KG_AUTH_SCHEME: 'two words' }, 'KG_AUTH_SCHEME must be one word'],
  [{ KG_AUTH_HEADER: 'X: y' }, 'KG_AUTH_HEADER must be the name of a header'],
] as const)('a contradiction is told: %o', ([env, words]) => {
  const problems = problemsOf({ ...LEAST, ...env });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(words);
});

test('a user and a password go with a renewed token that has a header of its own', () => {
  const env = { KG_AUTH_COMMAND: 'a', KG_HTTP_USER: 'b', KG_HTTP_PASS: 'c', KG_AUTH_HEADER: 'X-Token' };
  expect(problemsOf({ ...LEAST, ...env })).toEqual([]);
});

test('a complaint about a command does not repeat it', () => {
  expect(problemsOf({ ...LEAST, KG_AUTH_COMMAND: 'a --secret=s3cret | b' }).join()).not.toContain('s3cret');
});

test('contradictions about the token are told beside a missing KG_URL', () => {
  const wrong = { KG_AUTH_COMMAND: 'a', KG_AUTH_TOKEN_FILE: 'b', KG_HTTP_USER: 'c', KG_HTTP_PASS: 'd' };
  expect(problemsOf({ ...LEAST, ...wrong, KG_URL: '' })).toEqual([
    expect.stringMatching(/^KG_URL is missing/),
    expect.stringMatching(/^KG_AUTH_COMMAND and KG_AUTH_TOKEN_FILE/),
    expect.stringMatching(/^KG_HTTP_USER and KG_AUTH_COMMAND both want/),
  ]);
});
