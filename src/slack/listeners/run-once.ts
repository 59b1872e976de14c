import { GatewayError } from '../../gateway/errors.ts';
import type { Bot } from '../context.ts';

/**
 * Does what a button says, once for a delivery; a second press does nothing. What the gateway could not do is not done:
 * then the button works again. Undefined for a press that came too late.
 */
export async function pressOnce<Done>(
  delivery: string,
  bot: Pick<Bot, 'claim' | 'isKnown'>,
  act: () => Promise<Done>,
): Promise<Done | undefined> {
  for (let failures = 0; ; failures += 1) {
    const attempt = failures === 0 ? delivery : `${delivery}/${failures}`;
    const failed = `${attempt}/failed`;
    if (!(await bot.claim(attempt))) {
      if (await bot.isKnown(failed)) continue;
      return undefined;
    }
    try {
      return await act();
    } catch (error) {
      if (error instanceof GatewayError) await bot.claim(failed);
      throw error;
    }
  }
}
