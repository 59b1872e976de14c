import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { settingsFor } from '../../support/gateway-client.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';

const folder = fileURLToPath(new URL('../../../src/gateway/', import.meta.url));
const readme = readFileSync(`${folder}README.md`, 'utf8');

test('the example of the README runs 1+1 and reads 2', async () => {
  const [, example = ''] = /```ts\n([^]*?)```/.exec(readme) ?? [];
  expect(example.split('\n').length).toBeLessThanOrEqual(21);
  const server = await startScriptedGateway();
  server.onStart = (kernel) => {
    kernel.onExecute = (request) => {
      kernel.begin(request);
      const data = request.content['code'] === '1+1' ? { 'text/plain': '2' } : {};
      kernel.send('execute_result', { data, metadata: {}, execution_count: 1 }, { parent: request });
      kernel.end(request);
    };
  };
  const printed: unknown[] = [];
  const modules = new Map<string, unknown>();
  for (const [, name = ''] of example.matchAll(/from '([^']+)'/g))
    modules.set(name, await import(name.startsWith('.') ? new URL(name, `file://${folder}`).href : name));
  // Its imports are handed in, because a module made of a text has no folder to import from.
  const body = stripTypeScriptTypes(example).replaceAll(
    /^import (\{[^}]*\}) from ('[^']+');$/gm,
    'const $1 = modules.get($2);',
  );
  const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor;
  const main = new AsyncFunction('modules', 'settings', 'console', body);
  const shown = { ...console, log: (what: unknown) => void printed.push(what) };
  await main(modules, settingsFor(server), shown);
  expect(printed).toEqual(['2', 'ok']);
  await server.close();
});

test('it is self-contained: it imports only the packages that the README names', () => {
  const packages = new Set<string>();
  for (const file of globSync('**/*.ts', { cwd: folder })) {
    const depth = file.split('/').length - 1;
    for (const [, name = ''] of readFileSync(folder + file, 'utf8').matchAll(/ from '([^']+)';/g)) {
      if (!name.startsWith('.')) packages.add(name);
      const up = name.split('/').filter((part) => part === '..').length;
      expect(up, `${file} imports ${name}`).toBeLessThanOrEqual(depth);
    }
  }
  const foreign = [...packages].filter((name) => !name.startsWith('node:'));
  expect(foreign.toSorted()).toEqual(['https-proxy-agent', 'undici', 'ws', 'zod']);
  for (const name of foreign) expect(readme).toContain(`\`${name}\``);
});
