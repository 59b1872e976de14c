import { showProgress } from '../../../demo/provision/progress.ts';
import { provision, type Provisioned } from '../../../demo/provision/provision.ts';

/**
 * Vitest's global setup of every project that uses a real gateway. It begins to install it, once, while tests run that do not
 * need it. `provisioned()` waits for the end, and rejects if the installation failed.
 * @returns a function that waits for the end
 */
export function setup(): () => Promise<unknown> {
  const installed = provision(process.env, showProgress(process.stdout)).catch(() => undefined);
  return () => installed;
}

const silent = { step: () => ({ detail: () => {}, done: () => {}, failed: () => {} }) };
let asked: Promise<Provisioned> | undefined;

/** What `startKernelGateway` starts from, once it is installed. */
export function provisioned(): Promise<Provisioned> {
  asked ??= provision(process.env, silent);
  return asked;
}
