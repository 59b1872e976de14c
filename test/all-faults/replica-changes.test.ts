import { expect, test } from 'vitest';
import { startPlayground } from '../../playground/playground.ts';
import { finalAnswer } from '../support/ask.ts';
import { findRedisServer, startRedisServer } from '../support/redis-server.ts';
import { startScriptedGateway } from '../support/scripted-gateway.ts';
import { type LogLine, startBot } from '../support/start-bot.ts';
import { holdKernels } from '../support/held-kernels.ts';

const found = await findRedisServer();
const FIRST = 0;
const SECOND = 1;

test.skipIf('missing' in found)(
  'a message is deleted at one replica while the other one reads an edit of it: nothing of it is left',
  async () => {
    if ('missing' in found) return;
    const redis = await startRedisServer(found.path);
    await using playground = await startPlayground({ rates: false });
    const gateway = await startScriptedGateway();
    holdKernels(gateway).letRun();
    const environment = { STORE_URL: redis.url, DEFAULT_LANGUAGE: 'python3' };
    await using one = await startBot({ playground, gateway, environment });
    await playground.waitForConnection(1);
    await using two = await startBot({ playground, gateway, environment });
    await playground.waitForConnection(2);
    const channel = playground.addChannel('changes').id;
    const ana = playground.as('ana');
    playground.deliverTo(FIRST);
    const posted = ana.post(channel, `<@${playground.bot.id}> \`before()\``);
    await finalAnswer(playground, channel, posted.ts);
    await playground.waitForQuiet();
    // The second one has not met her yet.
    const lookup = playground.hold('users.info');
    playground.deliverTo(SECOND);
    ana.edit(posted, `<@${playground.bot.id}> \`after()\``);
    await lookup.reached;
    playground.deliverTo(FIRST);
    ana.delete(posted);
    await playground.waitFor(() => playground.replies(channel, posted.ts).length === 0);
    lookup.release();
    const isEndOfEdit = ({ audit, source }: LogLine): boolean => audit === 'run' && source === 'edit';
    await Promise.race([one, two].map((bot) => bot.untilLog(isEndOfEdit)));
    await playground.waitForQuiet();
    await playground.waitFor(() => playground.replies(channel, posted.ts).length === 0);
    expect([await one.stop(), await two.stop()]).toEqual([0, 0]);
    expect(playground.replies(channel, posted.ts)).toEqual([]);
    await gateway.close();
    await redis.kill();
  },
);
