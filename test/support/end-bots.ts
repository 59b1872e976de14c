import { afterEach, beforeEach } from 'vitest';
import { type StartedBot, startedBots } from './start-bot.ts';

/** A test that times out never comes to the end of its `await using`. Its bots would run on beside the tests behind it. */
let before: ReadonlySet<StartedBot> = new Set();

beforeEach(() => {
  before = new Set(startedBots);
});

afterEach(async ({ task }) => {
  // Another test of the file may run at the same time.
  if (task.result?.state !== 'fail') return;
  const left = [...startedBots].filter((bot) => !before.has(bot));
  await Promise.all(left.map((bot) => bot[Symbol.asyncDispose]()));
});
