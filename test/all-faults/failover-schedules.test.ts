import { expect, test } from 'vitest';
import type { SlackMessage } from '../../playground/messages.ts';
import { PREFIX } from '../../src/store/redis/scripts.ts';
import { askSlash, finalAnswer } from '../support/ask.ts';
import { type Failover, hasNoRedis, startFailover } from '../support/failover.ts';

/** A leader dies at a schedule's minute: before the run was accepted, or before the schedule's record said so. */

const MINUTE_MS = 60_000;

/** Makes the minutes since `byMs` ago due again in every schedule. No process may lead meanwhile. */
async function ageSchedules({ redis }: Failover, byMs: number): Promise<void> {
  const script = `for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
    local aged = redis.call('GET', key):gsub('"settledTo":(%d+)', function(at)
      return '"settledTo":' .. string.format('%.0f', at - ARGV[2]) end)
    redis.call('SET', key, aged)
  end`;
  await redis.command('EVAL', script, '0', `${PREFIX}keyv:schedule:*`, String(byMs));
}

/** The cron line of the minute that was so long ago, such as `17 * * * *`. */
const minuteAgo = (minutes: number): string =>
  `"${new Date(Date.now() - minutes * MINUTE_MS).getUTCMinutes()} * * * *"`;

async function saveAndSchedule({ playground }: Failover, name: string, timing: string): Promise<void> {
  const ana = playground.as('ana');
  await askSlash(playground, 'ana', '#data', `/spark ${name}()`);
  await ana.slash('#data', `/spark save ${name}`);
  await playground.waitForEphemeral('ana', ({ text }) => text.includes(`Saved as \`${name}\``));
  await ana.slash('#data', `/spark schedule ${name} ${timing}`);
  await playground.waitForEphemeral('ana', ({ text }) => text.includes(name) && text.includes('Next:'));
}

test.skipIf(hasNoRedis)(
  'when a leader is killed at the minute of a schedule, its standby runs it once',
  async () => {
    await using failover = await startFailover();
    const { playground, kernels } = failover;
    kernels.letRun();
    const leader = await failover.start();
    const standby = await failover.start();
    await saveAndSchedule(failover, 'report', minuteAgo(10));
    await saveAndSchedule(failover, 'witness', minuteAgo(30));
    const of = (name: string) => (message: SlackMessage) =>
      message.text.includes(`saved as ${name}, scheduled by`);
    await leader.kill();
    await ageSchedules(failover, 20 * MINUTE_MS);
    await standby.untilLeader();
    const root = await playground.waitForMessage('#data', of('report'));
    expect((await finalAnswer(playground, '#data', root.ts)).outcome).toBe('ok');
    await leader.restart();
    await standby.kill();
    // The first schedule's minute has run already; the second one's is due now.
    await ageSchedules(failover, 20 * MINUTE_MS);
    await leader.untilLeader();
    const other = await playground.waitForMessage('#data', of('witness'));
    expect((await finalAnswer(playground, '#data', other.ts)).outcome).toBe('ok');
    expect(playground.messages('#data').filter(of('report'))).toHaveLength(1);
    expect(kernels.begun.map(({ code }) => code)).toEqual(['report()', 'witness()', 'report()', 'witness()']);
  },
);
