import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCacheFolder } from './cache-folder.ts';
import { type Kernelspec, pythonKernelspec, sparkKernelspec, writeKernelspecs } from './kernelspecs.ts';
import { type Java, type Python, findJava, findPython, missingJava } from './prerequisites.ts';
import { type Progress, asStep } from './progress.ts';
import { type VirtualEnvironment, ensureVirtualEnvironment } from './virtual-environment.ts';

/** What is installed on this machine. Plain data that can be passed to another process as JSON. */
export type Provisioned = {
  cache: string;
  python: Python;
  /** Undefined: there is no Java, and so no `python3-spark`. */
  java?: Java;
  /** Kernel Gateway 3, ipykernel, pyspark, pandas, matplotlib. */
  venv: VirtualEnvironment;
  /** A folder for JUPYTER_PATH. */
  kernelspecsFolder: string;
  kernelspecs: Record<string, Kernelspec>;
};

const requirementsFile = fileURLToPath(new URL('../requirements.txt', import.meta.url));

/**
 * Checks what the machine has, installs what the demo needs into the cache folder (once) and writes the kernelspecs
 * `python3` and, with Java, `python3-spark`.
 * @throws SetupError naming what the machine lacks, or what pip said
 */
export async function provision(environment: NodeJS.ProcessEnv, progress: Progress): Promise<Provisioned> {
  const cache = await openCacheFolder(environment);
  const { python, java } = await asStep(progress, 'Checking Python and Java', async () => {
    const [foundPython, foundJava] = await Promise.all([findPython(environment), findJava(environment)]);
    const javaText = foundJava ? `Java ${foundJava.major}` : `no Spark, plain Python only. ${missingJava}`;
    return {
      value: { python: foundPython, java: foundJava },
      text: `Python ${foundPython.version}, ${javaText}`,
    };
  });
  const venv = await ensureVirtualEnvironment({
    name: 'demo',
    title: 'a kernel gateway and Spark',
    requirementsFile,
    cache,
    python,
    environment,
    progress,
  });
  const kernelspecs: Record<string, Kernelspec> = {
    python3: pythonKernelspec(venv.python),
    ...(java
      ? { 'python3-spark': sparkKernelspec(venv.python, join(sitePackages(venv), 'pyspark'), java.home) }
      : {}),
  };
  const kernelspecsFolder = await writeKernelspecs(cache, kernelspecs);
  return { cache, python, ...(java ? { java } : {}), venv, kernelspecsFolder, kernelspecs };
}

/** The folder of a virtual environment's packages. */
export function sitePackages(venv: VirtualEnvironment): string {
  const library = join(venv.folder, 'lib');
  const version = readdirSync(library).find((name) => name.startsWith('python'));
  if (version === undefined) throw new Error(`no Python library in ${library}`);
  return join(library, version, 'site-packages');
}
