import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

/** What is delivered beside the code: the compose file, the notices. */

const read = (name: string): string => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');

const service = z.object({
  networks: z.array(z.string()),
  ports: z.array(z.string()).default([]),
  command: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
});
const { services, networks } = z
  .object({
    services: z.record(z.string(), service),
    networks: z.record(z.string(), z.object({ internal: z.boolean() }).partial().nullable()),
  })
  .parse(parse(read('compose.yml')));

test('Redis has a password and is in no network that the kernels reach', () => {
  const { redis, gateway, bot } = services;
  expect(redis?.networks.filter((network) => gateway?.networks.includes(network))).toEqual([]);
  expect(redis?.networks.map((network) => networks[network]?.internal)).toEqual([true]);
  expect(redis?.command.at(redis.command.indexOf('--requirepass') + 1)).toMatch(/^\$\{REDIS_PASSWORD:\?/);
  expect(bot?.environment['STORE_URL']).toMatch(/^redis:\/\/:\$\{REDIS_PASSWORD:\?.*\}@redis:6379$/);
  expect(bot?.networks).toEqual([...(gateway?.networks ?? []), ...(redis?.networks ?? [])]);
});

test('no secret has a default: compose says which one is missing', () => {
  const used = [...read('compose.yml').matchAll(/\$\{(\w+)([^}]*)\}/g)];
  expect(new Set(used.map(([, name]) => name))).toEqual(new Set(['GATEWAY_TOKEN', 'REDIS_PASSWORD']));
  for (const [, name, rest] of used) expect(rest).toMatch(new RegExp(`^:\\?${name} is missing in \\.env`));
});

test('only this machine reaches the port', () => {
  const ports = Object.values(services).flatMap((each) => each.ports);
  expect(ports).toEqual(['127.0.0.1:3000:3000']);
});

/** They ask for no more than that their texts stay with the package. */
const permissive = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', '0BSD'];

test('each package with a licence that asks for more is in NOTICE', () => {
  const lock = z
    .object({
      packages: z.record(z.string(), z.object({ license: z.string(), dev: z.boolean() }).partial()),
    })
    .parse(JSON.parse(read('package-lock.json')));
  const others = Object.entries(lock.packages).flatMap(([path, { license, dev }]) => {
    const isOurs = path === '' || dev === true || permissive.includes(license ?? '');
    return isOurs ? [] : [`${path.split('node_modules/').at(-1)}: ${license}`];
  });
  expect(others.length).toBeGreaterThan(0);
  expect(others.filter((each) => !/^@resvg\/resvg-js(-[\w-]+)?: MPL-2\.0$/.test(each))).toEqual([]);
  expect(read('NOTICE')).toContain('@resvg/resvg-js');
});
