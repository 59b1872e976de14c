import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { ScriptedKernel } from '../../test/support/scripted-gateway.ts';

/** So much may lie before the bot before a kernel waits for it. */
const HIGH_BYTES = 4e6;

/** As a kernel that waits for its socket: what lies before us is the gateway's. Others in this process have a turn. */
export async function untilTaken(kernel: ScriptedKernel): Promise<void> {
  await nextTurn();
  while ([...kernel.sockets.keys()].some(({ bufferedAmount }) => bufferedAmount > HIGH_BYTES)) await delay(1);
}
