import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

/** What is delivered beside the code: the compose file, the image, the notices. */

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

test('the doctor’s command for compose names a service, and the image’s own program', () => {
  const command = /docker compose run --rm (\w+) node (\S+) doctor/;
  for (const page of ['README.md', 'compose.yml']) {
    const [, name, program] = command.exec(read(page)) ?? [];
    expect(Object.keys(services)).toContain(name);
    expect(read('Dockerfile')).toMatch(new RegExp(`^CMD .*"${program}", "start"\\]$`, 'm'));
  }
});

/** They ask for no more than that their texts stay with the package. */
const permissive = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', '0BSD'];

const lock = z
  .object({
    packages: z.record(z.string(), z.object({ license: z.string(), dev: z.boolean() }).partial()),
  })
  .parse(JSON.parse(read('package-lock.json')));
/** By their folder. */
const delivered = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);

test('each package with a licence that asks for more is in NOTICE', () => {
  const others = delivered.flatMap(([path, { license }]) =>
    permissive.includes(license ?? '') ? [] : [`${path.split('node_modules/').at(-1)}: ${license}`],
  );
  expect(others.length).toBeGreaterThan(0);
  expect(others.filter((each) => !/^@resvg\/resvg-js(-[\w-]+)?: MPL-2\.0$/.test(each))).toEqual([]);
  expect(read('NOTICE')).toContain('@resvg/resvg-js');
});

test('each package has the text of its licence, or NOTICE says where it is', () => {
  const folders = delivered
    .map(([path]) => new URL(`../../../${path}`, import.meta.url))
    // Those for other platforms are not here.
    .filter((folder) => existsSync(folder));
  expect(folders.length).toBeGreaterThan(100);
  const without = folders
    .filter((folder) => !readdirSync(folder).some((name) => /^(licen[cs]e|copying)/i.test(name)))
    .map(({ pathname }) =>
      pathname
        .split('node_modules/')
        .at(-1)
        ?.replace(/^(@resvg\/resvg-js-).*/, '$1…'),
    );
  expect(without.filter((name) => name === undefined || !read('NOTICE').includes(name))).toEqual([]);
});

test('the image runs as a number, on an exact version, and asks for its health without a second Node', () => {
  const lines = read('Dockerfile').split('\n');
  const base = lines.find((line) => line.startsWith('ARG BASE='));
  expect(base).toMatch(/^ARG BASE=node:\d+\.\d+\.\d+-[a-z]+-slim$/);
  expect(lines.filter((line) => line.startsWith('FROM ')).join()).toBe(
    'FROM ${BASE} AS packages,FROM packages AS build,FROM ${BASE}',
  );
  expect(lines.filter((line) => line.startsWith('USER '))).toEqual(['USER 1000:1000']);
  expect(lines.find((line) => line.startsWith('HEALTHCHECK'))).toMatch(/ CMD \["bin\/healthcheck\.sh"\]$/);
});

test('the image and `npm start` run the bot alike, and what is compiled for the image is compiled for its command', () => {
  const image = read('Dockerfile').split('\nFROM ').at(-1) ?? '';
  const command: string[] = JSON.parse(/^CMD (.*)$/m.exec(image)?.[1] ?? '[]');
  expect(image).toContain(`\nRUN ${command.join(' ')} || `);
  const environment = /^ENV (MALLOC.*)$/m.exec(image)?.[1];
  // A heap's limit is the container's concern.
  const words = command.filter((word) => !word.startsWith('--max-old-space-size-percentage=')).join(' ');
  const scripts: unknown = JSON.parse(read('package.json')).scripts;
  expect(scripts).toMatchObject({ start: `${environment} exec ${words}` });
});

test('what the Dockerfile copies reaches the builder, and nothing else', () => {
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  );
  const admitted = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, name]) => name);
  expect(new Set(admitted)).toEqual(new Set(copied));
  expect(read('.dockerignore')).toMatch(/^\*$/m);
});

test.each([
  'README.md',
  'deploy/helm/sparkthread/README.md',
  'deploy/helm/sparkthread/templates/NOTES.txt',
  'deploy/kubernetes/README.md',
])('%s has people run programs in the container that the image has', (paper) => {
  const commands = read(paper).matchAll(/(?:docker run|kubectl .*exec) .*?\bnode ([\w./-]+)/g);
  const programs = [...commands].map(([, program = '']) => program);
  expect(programs.length).toBeGreaterThan(0);
  const image = read('Dockerfile').split('\nFROM ').at(-1) ?? '';
  const folders = [...image.matchAll(/^COPY .*\.\/(\w+)$/gm)].map(([, folder]) => folder);
  expect(programs.filter((program) => !folders.includes(program.split('/')[0]))).toEqual([]);
});
