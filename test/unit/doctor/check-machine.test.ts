import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { checkMachine } from '../../../src/doctor/check-machine.ts';
import { startReport } from '../../../src/doctor/report.ts';
import { LEAST } from '../../support/least-settings.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'sparkthread-machine-'))));
afterAll(() => rmSync(folder, { recursive: true }));

async function checked(settings: Record<string, string>): Promise<string[]> {
  let said = '';
  const report = startReport((part) => (said += part), false);
  const config = readConfig({ ...LEAST, PORT: '0', SPOOL_DIR: join(folder, 'output'), ...settings });
  await checkMachine(config, report);
  return said.trimEnd().replaceAll(/ +/g, ' ').split('\n');
}

test('a folder, ports and an audit that can be used', async () => {
  const audit = join(folder, 'audits', 'audit.ndjson');
  expect(await checked({ METRICS: '127.0.0.1:0', AUDIT: `file:${audit}` })).toEqual([
    `ok output on disk ${join(folder, 'output', 'spool')} can be written.`,
    expect.stringMatching(/^ok port 127\.0\.0\.1, port \d+: it is free\.$/),
    expect.stringMatching(/^ok metrics 127\.0\.0\.1, port \d+: it is free\.$/),
    `ok audit ${audit} takes lines.`,
  ]);
  expect(readFileSync(audit, 'utf8')).toBe('');
  expect(readdirSync(join(folder, 'output', 'spool'))).toEqual([]);
});

test('a disk with less room than SPOOL_LIMIT is noted', async () => {
  expect(await checked({ SPOOL_LIMIT: '9000000GB' })).toContainEqual(
    expect.stringMatching(/^note The disk of .* has room for \d+ MB, which is less than SPOOL_LIMIT\.$/),
  );
});

test('a folder that is a file, an address of another machine', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(await checked({ SPOOL_DIR: file, HOST: '192.0.2.1', AUDIT: `file:${file}/audit` })).toEqual([
    expect.stringMatching(
      /^failed output on disk The folder .* cannot be written \(ENOTDIR\)\. SPOOL_DIR names another place\.$/,
    ),
    'failed port HOST: 192.0.2.1 is no address of this machine (EADDRNOTAVAIL).',
    expect.stringMatching(/^failed audit AUDIT: .*\/file\/audit takes no lines \(ENOTDIR: /),
  ]);
});

test('a port that is taken may be a running bot’s', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const [, told] = await checked({ PORT: String(port) });
  expect(told).toMatch(/^skipped port PORT \d+ on 127\.0\.0\.1 is taken already: .* A running bot has it\.$/);
  server.close();
});

test.each([
  [200, /^ok audit localhost:\d+ takes lines\.$/],
  [400, /^ok audit localhost:\d+ takes lines\.$/],
  [401, /^failed audit AUDIT: localhost:\d+ takes no lines \(it answered HTTP 401\)\./],
  [502, /^failed audit AUDIT: localhost:\d+ takes no lines \(it answered HTTP 502\)\./],
])('a collector that answers %i', async (status, line) => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      bodies.push(body);
      response.writeHead(status).end();
    });
  }).listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const lines = await checked({ AUDIT: `http://ana:a-password@localhost:${port}/in` });
  expect(lines).toContainEqual(expect.stringMatching(line));
  expect(lines.join('')).not.toContain('a-password');
  expect(bodies).toEqual(['']);
  server.close();
});

test('a collector that is not there', async () => {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  expect(await checked({ AUDIT: `http://localhost:${port}/in` })).toContainEqual(
    expect.stringMatching(/^failed audit AUDIT: localhost:\d+ takes no lines \(.*ECONNREFUSED.*\)\./),
  );
});
