import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startPlayground } from '../../../playground/playground.ts';
import { silentLog } from '../../../src/log.ts';
import { openStore } from '../../../src/store/open.ts';
import { summarizeCode } from '../../../src/store/run-reader.ts';
import { askMessage } from '../../support/ask.ts';
import { untilPosted } from '../../support/run-store-file.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startBot } from '../../support/start-bot.ts';

test('runs of another workspace in the same store are left to that workspace’s bot', async () => {
  await using playground = await startPlayground({ rates: false });
  const gateway = await startScriptedGateway();
  await using bot = await startBot({ playground, gateway, environment: { DEFAULT_LANGUAGE: 'python3' } });
  await bot.kill();
  const url = `sqlite:${join(bot.folder, 'sparkthread.db')}`;
  const others = await openStore<object>({ url, log: silentLog });
  const place = { workspace: 'T0OTHER', channel: 'C0OTHER', thread: '1795798771.043000' };
  const data = {
    source: 'mention',
    kernelspec: 'python3',
    ...summarizeCode(['theirs()']),
    requestKey: 'message/T0OTHER/C0OTHER/1795798771.043000',
    edition: 1,
    needsRoot: false,
    block: 0,
    notes: [],
  };
  const run = {
    ...place,
    id: 'theirs',
    queue: 'T0OTHER/C0OTHER',
    requester: 'U0OTHER',
    createdAt: Date.now(),
  };
  await others.lease.acquire(60_000);
  await others.runs.accept(data.requestKey, { ...run, data, code: ['theirs()'] });
  await others.close();
  await bot.restart();
  expect(bot.log.findLast(({ msg }) => msg === 'ready')).toMatchObject({ recovered: 0 });
  const { thread } = await askMessage(playground, 'ana', '#data', `<@${playground.bot.id}> \`ours()\``);
  await untilPosted(bot.folder, thread);
  expect(await bot.stop()).toBe(0);
  expect(gateway.kernels.size).toBe(1);
  const kept = await openStore<object>({ url, log: silentLog });
  expect(await kept.runs.unposted()).toMatchObject([{ id: 'theirs', state: 'waiting' }]);
  await kept.close();
  await gateway.close();
});
