import type { TestProject } from 'vitest/node';
import { showProgress } from '../../../demo/provision/progress.ts';
import { type Backends, provisionBackends } from './provision-backends.ts';

declare module 'vitest' {
  interface ProvidedContext {
    backends: Backends;
  }
}

/** Vitest's global setup of the `all-*` projects: installs every gateway and kernel, once. */
export async function setup(project: TestProject): Promise<void> {
  project.provide('backends', await provisionBackends(process.env, showProgress(process.stdout)));
}
