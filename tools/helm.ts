import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from '../demo/clean-environment.ts';
import { openCacheFolder } from '../demo/provision/cache-folder.ts';
import { withFileLock } from '../demo/provision/file-lock.ts';
import { asStep, type Progress } from '../demo/provision/progress.ts';
import { mustRun, runTool } from '../demo/provision/run-tool.ts';

const HELM = 'helm.sh/helm/v3/cmd/helm@v3.22.0';
export const CHART = fileURLToPath(new URL('../deploy/helm/sparkthread', import.meta.url));
/** What the plain manifests are rendered from. */
const PLAIN_VALUES = fileURLToPath(new URL('../deploy/kubernetes/values.yaml', import.meta.url));

export type Helm = (...args: string[]) => Promise<string>;

/**
 * This version of Helm, built once from its source by the Go of the path, in the cache folder. Undefined without a Go.
 * The helm of the path is not taken: the plain manifests in the repository are compared with what is rendered.
 */
export async function ensureHelm(
  environment: NodeJS.ProcessEnv,
  progress: Progress,
): Promise<Helm | undefined> {
  // Of the caller's environment Go gets only what it needs to reach its modules.
  const go = Object.fromEntries(Object.entries(environment).filter(([name]) => /^GO[A-Z]+$/.test(name)));
  const env = cleanEnvironment(environment, go);
  const folder = join(await openCacheFolder(environment), 'tools', HELM.replaceAll(/[^\w.]+/g, '-'));
  const program = join(folder, 'helm');
  if (!existsSync(program)) {
    if ((await runTool('go', ['version'], { env })).code !== 0) return undefined;
    await asStep(progress, 'Building Helm', (step) =>
      withFileLock(
        `${folder}.lock`,
        () => step.detail('waiting for another process that builds it'),
        async () => {
          const unfinished = `${folder}.unfinished`;
          await rm(unfinished, { recursive: true, force: true });
          await mkdir(unfinished, { recursive: true });
          // Without optimisation the compiler takes two thirds of the time, and this Helm only renders a chart now and then.
          const flags = ['-trimpath', '-gcflags=all=-N -l'];
          if (!existsSync(program)) {
            await mustRun('go', ['install', ...flags, HELM], {
              env: { ...env, GOBIN: unfinished, GOFLAGS: '' },
            });
            await rename(unfinished, folder);
          }
          return { value: undefined };
        },
      ),
    );
  }
  return async (...args) => (await mustRun(program, args, { env })).stdout;
}

/** All objects of the chart with these `helm template` arguments, as YAML. A Helm built by `go` knows only Kubernetes 1.20. */
export function renderChart(helm: Helm, ...args: string[]): Promise<string> {
  return helm('template', 'sparkthread', CHART, '--namespace=sparkthread', '--kube-version=1.30.0', ...args);
}

/** `deploy/kubernetes/sparkthread.yaml`. */
export async function plainManifests(helm: Helm): Promise<string> {
  return `# Written by \`npm run manifests\` from the Helm chart and values.yaml beside this file; README.md says how to use it.
${await renderChart(helm, `--values=${PLAIN_VALUES}`)}`;
}
