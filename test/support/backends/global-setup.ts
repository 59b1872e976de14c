import type { TestProject } from 'vitest/node';
import { showProgress } from '../../../demo/provision/progress.ts';
import type { Provisioned } from '../../../demo/provision/provision.ts';
import { provision } from '../../../demo/provision/provision.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** What `startKernelGateway({ provisioned })` starts from. */
    provisioned: Provisioned;
  }
}

/** Vitest's global setup of every project that uses a real gateway: installs once, before the first test. */
export async function setup(project: TestProject): Promise<void> {
  project.provide('provisioned', await provision(process.env, showProgress(process.stdout)));
}
