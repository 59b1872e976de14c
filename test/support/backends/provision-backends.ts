import { fileURLToPath } from 'node:url';
import { type Kernelspec, pythonKernelspec, writeKernelspecs } from '../../../demo/provision/kernelspecs.ts';
import { type Progress, asStep } from '../../../demo/provision/progress.ts';
import { type Provisioned, provision, sitePackages } from '../../../demo/provision/provision.ts';
import {
  type VirtualEnvironment,
  ensureVirtualEnvironment,
} from '../../../demo/provision/virtual-environment.ts';
import {
  brokenKernelspecs,
  contestedPortKernelspec,
  findRKernelspec,
  startsOnceKernelspec,
  toreeKernelspec,
} from './kernelspecs.ts';

/** Where the demo's parts and all other gateways and kernels of the long tests are installed. Plain data. */
export type Backends = Provisioned & {
  kernelGateway2: VirtualEnvironment;
  enterpriseGateway: VirtualEnvironment;
  jupyterHub: VirtualEnvironment;
  pythonChecks: VirtualEnvironment;
  /** By kernelspec, why it is missing, for the name of the skipped test. */
  missing: Record<string, string>;
};

const requirements = (name: string) => fileURLToPath(new URL(`requirements/${name}.txt`, import.meta.url));

/**
 * Installs what is not there yet. Kernelspecs, beside the demo's: `python3-ipykernel6`, `ir`, `scala-spark`,
 * `broken-exit`, `broken-hang`, `broken-once`, `broken-later`.
 */
export async function provisionBackends(
  environment: NodeJS.ProcessEnv,
  progress: Progress,
): Promise<Backends> {
  const base = await provision(environment, progress);
  const { cache, python } = base;
  const install = (name: string, title: string, withoutDependencies: string[] = []) =>
    ensureVirtualEnvironment({
      name,
      title,
      requirementsFile: requirements(name),
      withoutDependencies,
      cache,
      python,
      environment,
      progress,
    });
  const kernelGateway2 = await install('kernel-gateway-2', 'Kernel Gateway 2');
  const enterpriseGateway = await install('enterprise-gateway', 'Enterprise Gateway 3');
  const jupyterHub = await install('jupyterhub', 'JupyterHub');
  const pythonChecks = await install('python-checks', 'a checker of Python’s versions');
  const kernelspecs: Record<string, Kernelspec> = {
    ...base.kernelspecs,
    ...brokenKernelspecs,
    'broken-once': startsOnceKernelspec(base.venv.python),
    'broken-later': startsOnceKernelspec(base.venv.python, 'exec sleep 1000'),
    'contested-port': contestedPortKernelspec(base.venv.python),
    'python3-ipykernel6': pythonKernelspec(kernelGateway2.python, 'Python 3 (ipykernel 6)'),
  };
  const missing: Record<string, string> = {};
  if (base.java) {
    const spark = await install('spark-3.5', 'Spark 3.5 and Apache Toree', ['toree==0.5.0']);
    kernelspecs['scala-spark'] = await toreeKernelspec(sitePackages(spark), base.java.home);
  } else {
    missing['scala-spark'] = 'skipped, because Java is missing';
    missing['python3-spark'] = 'skipped, because Java is missing';
  }
  const r = await asStep(progress, 'Checking R', async () => {
    const value = await findRKernelspec(environment);
    return { value, text: value ? 'R with IRkernel' : 'missing (Debian: r-base-core r-cran-irkernel)' };
  });
  if (r) kernelspecs['ir'] = r;
  else missing['ir'] = 'skipped, because R is missing';
  const kernelspecsFolder = await writeKernelspecs(cache, kernelspecs);
  return {
    ...base,
    kernelspecs,
    kernelspecsFolder,
    kernelGateway2,
    enterpriseGateway,
    jupyterHub,
    pythonChecks,
    missing,
  };
}
