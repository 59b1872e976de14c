import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/**
 * The traps of gateways, by their numbers in the protocol notes. Each has a test with its number in the title, in this
 * folder or in test/gateway, or stands here with the reason why there is nothing of it in this client to be tested.
 */
const without: Record<number, string> = {
  17: 'the gateway’s own memory: we are back within seconds, and a run that is given up is interrupted (traps 16, 26)',
  44: 'colours stay in the text on purpose; those who show it take them out, after joining the chunks',
  48: 'Knox puts its own user into every start; a matter of the operator’s set-up, told in the README',
  54: 'an upgrade that is held is waited for (trap 35), and `started` comes with the kernel’s first message: no clock runs before',
  55: 'no wait here has a length of zero: timers, events and pauses that are listed in timings.ts',
};

test('every trap has a test or a reason', () => {
  const folder = fileURLToPath(new URL('../..', import.meta.url));
  const files = globSync(['unit/gateway/**/*.test.ts', 'gateway/**/*.test.ts', 'support/conformance.ts'], {
    cwd: folder,
  });
  const titles = files
    .map((file) => readFileSync(`${folder}/${file}`, 'utf8'))
    .flatMap((source) =>
      [...source.matchAll(/['`"]traps? (\d+(?:, \d+)*)/g)].map(([, numbers = '']) => numbers),
    )
    .flatMap((numbers) => numbers.split(', ').map(Number));
  const tested = new Set(titles);
  const open = Array.from({ length: 55 }, (_, index) => index + 1).filter(
    (trap) => !tested.has(trap) && !(trap in without),
  );
  expect(open).toEqual([]);
});
