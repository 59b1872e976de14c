import { showProgress } from '../../../demo/provision/progress.ts';
import { provision, type Provisioned } from '../../../demo/provision/provision.ts';

/**
 * Vitest's global setup of every project that uses a real gateway: begins to install, once, while tests run that need nothing
 * of it. Whoever needs it says so by `provisioned()`, also what went wrong.
 * @returns what waits for its end
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
