import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { openCacheFolder } from '../../demo/provision/cache-folder.ts';
import { findPython } from '../../demo/provision/prerequisites.ts';
import { showProgress } from '../../demo/provision/progress.ts';
import { ensureVirtualEnvironment } from '../../demo/provision/virtual-environment.ts';
import { ensureHelm } from '../../tools/helm.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The program that checks manifests against Kubernetes' own schemas. */
    kubernetesValidate: string;
  }
}

/** Vitest's global setup of the project: Helm is built and the schemas are installed once. */
export async function setup(project: TestProject): Promise<void> {
  const progress = showProgress(process.stdout);
  const { bin } = await ensureVirtualEnvironment({
    name: 'kubernetes-validate',
    title: 'schemas of Kubernetes',
    requirementsFile: fileURLToPath(new URL('requirements.txt', import.meta.url)),
    cache: await openCacheFolder(process.env),
    python: await findPython(process.env),
    environment: process.env,
    progress,
  });
  project.provide('kubernetesValidate', `${bin}/kubernetes-validate`);
  await ensureHelm(process.env, progress);
}
