import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { ScriptedKernel } from '../../test/support/scripted-gateway.ts';

/** How many bytes may wait for the bot before a kernel waits for it. */
const HIGH_BYTES = 4e6;

/** Waits as a kernel waits for its socket, and gives others in this process a turn. */
export async function untilTaken(kernel: ScriptedKernel): Promise<void> {
  await nextTurn();
  while ([...kernel.sockets.keys()].some(({ bufferedAmount }) => bufferedAmount > HIGH_BYTES)) await delay(1);
}
