import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { expect, test } from 'vitest';
import { settings, settingsSchema } from '../../../src/config/settings.ts';
import { envExample } from '../../../tools/env-example.ts';
import { generatedDocs } from '../../../tools/generated-docs.ts';

test.each(Object.entries(generatedDocs))('%s is what `npm run docs` writes', async (path, write) => {
  expect(await readFile(new URL(`../../../${path}`, import.meta.url), 'utf8')).toBe(write());
});

test('every setting is in .env.example, as a line that can be taken as it is', () => {
  const uncommented = envExample().replaceAll(/^# ([A-Z_]+=)/gm, '$1');
  const values = parseEnv(uncommented);
  expect(Object.keys(values).toSorted()).toEqual(settings.map(({ name }) => name).toSorted());
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
  expect(settingsSchema.safeParse(given).error?.issues ?? []).toEqual([]);
});

test('docker run --env-file, which takes quotes as a part of the value, reads the same from .env.example', () => {
  const uncommented = envExample().replaceAll(/^# ([A-Z_]+=)/gm, '$1');
  const lines = uncommented.split('\n').filter((line) => /^[A-Z_]+=/.test(line));
  const asDocker = Object.fromEntries(lines.map((line) => line.split(/=(.*)/, 2)));
  expect(asDocker).toEqual(parseEnv(uncommented));
});

test.each(settings)(
  '$name has an example and a default that are valid',
  ({ name, example, default: usual }) => {
    for (const value of usual === undefined ? [example] : [example, usual])
      expect(settingsSchema.safeParse({ [name]: value }).error?.issues ?? []).toEqual([]);
  },
);
