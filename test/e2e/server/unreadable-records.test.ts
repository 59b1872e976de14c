import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { startPlayground } from '../../../playground/playground.ts';
import { askMessage, finalAnswer, finals, untilShown } from '../../support/ask.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startBot } from '../../support/start-bot.ts';

test('unreadable records cost only their own run or kernel: the start, the channel and the others go on', async () => {
  await using playground = await startPlayground({ rates: false });
  const gateway = await startScriptedGateway();
  const codes: unknown[] = [];
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => {
      codes.push(request.content['code']);
      // The first one of each channel goes on for ever.
      if (String(request.content['code']).includes('endless')) kernel.begin(request);
      else kernel.run(request, 'done\n');
    };
  };
  await using bot = await startBot({ playground, gateway, environment: { DEFAULT_LANGUAGE: 'python3' } });
  const mention = `<@${playground.bot.id}>`;
  const ana = playground.as('ana');
  const quiet = playground.addChannel('quiet').id;
  await askMessage(playground, 'ana', quiet, `${mention} \`before()\``);
  const channel = playground.addChannel('torn').id;
  const running = ana.post(channel, `${mention} \`endless()\``);
  await untilShown(playground, channel, running.ts, 'run:stop');
  const torn = ana.post(channel, `${mention} \`torn()\``);
  const whole = ana.post(channel, `${mention} \`whole()\``);
  const codeless = ana.post(channel, `${mention} \`codeless()\``);
  const odd = ana.post(channel, `${mention} \`odd()\``);
  for (const { ts } of [torn, whole, codeless, odd]) await untilShown(playground, channel, ts, 'run:cancel');
  await playground.waitFor(() => codes.length === 2);
  await bot.kill();

  const db = new DatabaseSync(join(bot.folder, 'sparkthread.db'));
  const damage = db.prepare('UPDATE runs SET data = ? WHERE thread = ?');
  damage.run('{"source":"mention","blo', running.ts);
  damage.run('', torn.ts);
  damage.run('{"blocks":"odd()","notes":null}', odd.ts);
  db.prepare('UPDATE code SET blocks = ? WHERE run_id = (SELECT id FROM runs WHERE thread = ?)').run(
    '["code',
    codeless.ts,
  );
  db.prepare(`UPDATE keyv SET value = ? WHERE namespace = 'kernel' AND key LIKE ?`).run('{"va', `%/${quiet}`);
  db.prepare(`UPDATE keyv SET value = ? WHERE namespace = 'kernel' AND key LIKE ?`).run('1', `%/${channel}`);
  db.close();
  await bot.restart();

  const endings = [];
  for (const { ts } of [running, torn, whole, codeless, odd]) {
    const { outcome, text } = await finalAnswer(playground, channel, ts);
    endings.push([outcome, text.includes('The bot’s record of this run cannot be read.')]);
    expect(finals(playground, channel, ts)).toHaveLength(1);
    expect(playground.replies(channel, ts)).toHaveLength(1);
  }
  expect(endings).toEqual([
    ['broken', true],
    ['notStarted', true],
    ['ok', false],
    ['notStarted', false],
    ['notStarted', true],
  ]);
  expect(codes).toEqual(['before()', 'endless()', 'whole()']);
  const told = new Set<unknown>();
  await bot.untilLog(({ msg, run }) => {
    if (msg === 'the record of a run cannot be read') told.add(run);
    return told.size === 3;
  });
  const { text } = await askMessage(playground, 'ana', quiet, `${mention} \`after()\``);
  expect(text).toContain('record of the channel’s kernel could not be read');
  expect(text).toContain('done');
  await gateway.close();
});

test('a damaged table ends the start with its reason, and does not leave a leader that never takes requests', async () => {
  await using playground = await startPlayground({ rates: false });
  const gateway = await startScriptedGateway();
  await using bot = await startBot({ playground, gateway });
  await bot.stop();
  const path = join(bot.folder, 'sparkthread.db');
  const db = new DatabaseSync(path);
  const root = db.prepare(`SELECT rootpage FROM sqlite_schema WHERE name = 'keyv'`).get()?.['rootpage'];
  const size = db.prepare('PRAGMA page_size').get()?.['page_size'];
  db.close();
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(Number(size), 'x'), 0, Number(size), (Number(root) - 1) * Number(size));
  closeSync(file);
  await expect(bot.restart()).rejects.toThrow(/STORE_URL: SQLite: database disk image is malformed/);
  expect(await bot.untilEnded()).toBe(78);
  await gateway.close();
});
