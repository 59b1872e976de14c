import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import type { AuditEntry } from '../../../src/audit/audit.ts';
import { isFinal, startRig } from './listeners-rig.ts';
import { startWordGateway } from './scripted-kernel.ts';

/** A server that accepts audit lines, unless it is told to refuse. */
async function startCollector() {
  const entries: AuditEntry[] = [];
  const heard = new EventTarget();
  let status = 200;
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      if (status === 200)
        entries.push(
          ...body
            .trimEnd()
            .split('\n')
            .map((line): AuditEntry => JSON.parse(line)),
        );
      response.writeHead(status).end();
      heard.dispatchEvent(new Event('asked'));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    entries,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/audit`,
    answer: (with_: number) => (status = with_),
    async until(event: string, act?: string): Promise<AuditEntry> {
      for (;;) {
        const found = entries.find(
          (entry) => entry.event === event && (act === undefined || entry.act === act),
        );
        if (found !== undefined) return found;
        await new Promise((resolve) => heard.addEventListener('asked', resolve, { once: true }));
      }
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('audit lines from a time when the target was away and the bot was killed all arrive afterwards', async () => {
  await using gateway = await startWordGateway();
  await using collector = await startCollector();
  const environment = { DEFAULT_LANGUAGE: 'python3', AUDIT: collector.url, AUDIT_CODE: 'true' };
  await using rig = await startRig(gateway, environment, { rates: false });
  const { playground, bot } = rig;
  const ben = playground.as('ben');
  collector.answer(503);
  const asked = ben.post('#data', '@sparkthread `1 + 1`');
  const answer = await playground.waitForReply('#data', asked.ts, isFinal);
  await bot.untilLog(({ event }) => event === 'audit.away');
  await bot.kill();
  expect(collector.entries).toEqual([]);
  collector.answer(200);
  await bot.restart();
  const user = playground.user('ben').id;
  const about = { user, channel: asked.channel, source: 'mention', codeLength: 5 };
  expect(await collector.until('run.accepted')).toMatchObject({ ...about, code: ['1 + 1'] });
  expect(await collector.until('run.ended')).toMatchObject({ ...about, outcome: 'ok' });
  expect(collector.entries).toMatchObject([{ event: 'run.accepted' }, { event: 'run.ended' }]);

  await ben.slash('#data', '/spark restart');
  expect(await collector.until('request.refused', 'restart')).toMatchObject({ user, reason: 'notAllowed' });
  await ben.slash('#data', '/spark cobol x');
  await ben.slash('#data', '/spark use python3');
  expect(await collector.until('request.ended', 'use')).toMatchObject({ user, outcome: 'ok' });
  expect(await collector.until('audit.channel')).toMatchObject({ audit: 'use', kernelspec: 'python3' });
  await ben.press(answer, 'run:delete');
  const pressed = { user, run: collector.entries[0]?.run, requester: user };
  expect(await collector.until('request.ended', 'delete')).toMatchObject(pressed);
  expect(await collector.until('request.accepted', 'delete')).toMatchObject(pressed);
});
