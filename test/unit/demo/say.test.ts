import { expect, test } from 'vitest';
import { say } from '../../../demo/say.ts';
import { startPlayground } from '../../../playground/playground.ts';

test('where the bot says nothing, that is told with what it heeds', async () => {
  await using playground = await startPlayground();
  const said = await say(playground, 'hello', 1);
  expect(said.isWell).toBe(false);
  expect(said.text).toMatch(/^hello\n\nNothing was said to this\. .*@sparkthread/);
});
