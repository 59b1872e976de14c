import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { settingNames } from '../../../src/config/settings.ts';

const root = new URL('../../../', import.meta.url);
const readme = readFileSync(new URL('README.md', root), 'utf8');

function namesIn(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([name]) => name))].toSorted();
}

test('each metric is explained, and each that is explained is there', () => {
  const folder = new URL('src/server/', root);
  const source = readdirSync(fileURLToPath(folder))
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n');
  const metric = /\bsparkthread_[a-z_]+\b/g;
  expect(namesIn(readme, metric)).toEqual(namesIn(source, metric));
});

/** Of the gateways and of programs, not ours. */
const theirs = [
  'KG_LIST_KERNELS',
  'KERNEL_IMAGE',
  'KERNEL_NAMESPACE',
  'KERNEL_EXTRA_SPARK_OPTS',
  'JUPYTER_GATEWAY_',
];

test('each setting that the README names is one', () => {
  const named = namesIn(
    readme,
    /\b(?:SLACK|KG|KERNEL|KERNELS|JUPYTER|ALLOW|ALLOWED|KEEP|IDLE|STORE|LOG)_[A-Z_]+\b/g,
  );
  expect(named.length).toBeGreaterThan(20);
  const known = new Set([...settingNames, ...theirs]);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});

describe('npm scripts', () => {
  const contributing = readFileSync(new URL('CONTRIBUTING.md', root), 'utf8');
  const named = [...`${readme}${contributing}`.matchAll(/\bnpm (?:run )?([a-z:]+)/g)]
    .map(([, name]) => name ?? '')
    .filter((name) => !['ci', 'with', 'or'].includes(name));
  test.each([...new Set(named)])('npm run %s is one', (name) => {
    expect(Object.keys(packageJson.scripts)).toContain(name);
  });
});
