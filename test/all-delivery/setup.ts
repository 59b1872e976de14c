import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { openCacheFolder } from '../../demo/provision/cache-folder.ts';
import { findPython } from '../../demo/provision/prerequisites.ts';
import { showProgress } from '../../demo/provision/progress.ts';
import { ensureVirtualEnvironment } from '../../demo/provision/virtual-environment.ts';
import { ensureHelm } from '../../tools/helm.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of two programs: kubernetes-validate, with Kubernetes' own schemas, and hadolint. */
    linters: string;
  }
}

/** Vitest's global setup of the project: builds Helm and installs the schemas, once. */
export async function setup(project: TestProject): Promise<void> {
  const progress = showProgress(process.stdout);
  const { bin } = await ensureVirtualEnvironment({
    name: 'linters',
    title: 'linters and schemas of what is delivered',
    requirementsFile: fileURLToPath(new URL('requirements.txt', import.meta.url)),
    cache: await openCacheFolder(process.env),
    python: await findPython(process.env),
    environment: process.env,
    progress,
  });
  project.provide('linters', bin);
  await ensureHelm(process.env, progress);
}
