import { UserError } from '../../../errors.ts';
import { GatewayError } from '../../../gateway/errors.ts';
import type { SessionKernel } from './session-kernel.ts';

/** Rejects with `UserError` (`noKernel`) when there was none any more, which is then forgotten. */
export async function restartKernel(kernel: SessionKernel): Promise<void> {
  try {
    await kernel.restart();
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'kernelGone') throw error;
    await kernel.forget();
    throw new UserError(
      'noKernel',
      'The channel’s kernel was gone already, with its variables. The next snippet starts a new one.',
    );
  }
}
