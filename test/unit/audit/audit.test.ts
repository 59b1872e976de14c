import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createAudit } from '../../../src/audit/audit.ts';
import { Secrets, silentLog } from '../../../src/log.ts';
import { temporaryFolder } from '../../contract/temporary-folder.ts';

const secrets = new Secrets(['xoxb-very-secret']);
const accepted = { event: 'run.accepted', audit: 'accepted', user: 'U1', code: ['x = 1'] } as const;

test('the log gets every audit line, whatever LOG_LEVEL is, and code only with AUDIT_CODE', () => {
  const lines: string[] = [];
  const output = new Writable({ write: (chunk, _, done) => (lines.push(String(chunk)), done()) });
  const log = pino({ level: 'fatal' }, output);
  for (const includesCode of [false, true])
    createAudit({ target: { kind: 'log' }, includesCode, dir: '', secrets, log }).record(accepted);
  log.info('not this');
  const said = lines.map((line): unknown => JSON.parse(line));
  expect(said).toHaveLength(2);
  expect(said[0]).toMatchObject({ event: 'run.accepted', user: 'U1' });
  expect(said[0]).not.toHaveProperty('code');
  expect(said[1]).toMatchObject({ code: ['x = 1'] });
});

test('a file is appended to, and never with a secret', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'new', 'audit.ndjson');
  const open = () =>
    createAudit({
      target: { kind: 'file', path },
      includesCode: true,
      dir: folder,
      secrets,
      log: silentLog,
    });
  for (const code of ['one', 'xoxb-very-secret']) {
    const audit = open();
    audit.record({ ...accepted, code: [code] });
    await audit.close();
  }
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
    { code: ['one'], time: expect.any(String), id: expect.any(String) },
    { code: ['[secret]'] },
  ]);
});

test('an address gets JSON lines by POST, with its user as Basic authorization', async () => {
  const folder = temporaryFolder();
  const got: { authorization: string | undefined; type: string | undefined; body: string }[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { authorization, 'content-type': type } = request.headers;
      got.push({ authorization, type, body });
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = new URL(`http://ana:p%40ss@127.0.0.1:${port}/audit`);
  const target = { kind: 'url', url } as const;
  const audit = createAudit({ target, includesCode: false, dir: folder, secrets, log: silentLog });
  audit.record(accepted);
  await audit.close();
  server.close();
  expect(got).toMatchObject([{ authorization: `Basic ${btoa('ana:p@ss')}`, type: 'application/x-ndjson' }]);
  expect(JSON.parse(got[0]?.body ?? '')).toMatchObject({ event: 'run.accepted', user: 'U1' });
});

test('an error is recorded once, as its first caller describes it', () => {
  const lines: string[] = [];
  const output = new Writable({ write: (chunk, _, done) => (lines.push(String(chunk)), done()) });
  const target = { kind: 'log' } as const;
  const audit = createAudit({ target, includesCode: false, dir: '', secrets, log: pino(output) });
  const error = new Error('no');
  audit.refuse(error, { event: 'run.refused', audit: 'refused' });
  audit.refuse(error, { event: 'request.refused', audit: 'message' });
  audit.refuse('no error', { event: 'request.refused', audit: 'press' });
  expect(lines.map((line) => JSON.parse(line).event)).toEqual(['run.refused', 'request.refused']);
});
