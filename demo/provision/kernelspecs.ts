import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A `kernel.json` as Jupyter reads it. */
export type Kernelspec = {
  argv: string[];
  display_name: string;
  language: string;
  interrupt_mode?: 'signal' | 'message';
  env?: Record<string, string>;
  metadata?: Record<string, unknown>;
};

/** Little compilation and one collecting thread, because a driver of the demo lives for minutes on a laptop. */
export const lightJvm = '-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData';

/** Defines `spark` and `sc` without a banner. */
const sparkStartup = fileURLToPath(new URL('../spark-startup.py', import.meta.url));

/** Plain Python by ipykernel. */
export function pythonKernelspec(python: string, displayName = 'Python 3'): Kernelspec {
  return {
    argv: [python, '-m', 'ipykernel_launcher', '-f', '{connection_file}'],
    display_name: displayName,
    language: 'python',
    interrupt_mode: 'signal',
  };
}

/**
 * Python with `sc` and `spark` on a local master.
 * @param sparkHome the pyspark package's folder
 */
export function sparkKernelspec(python: string, sparkHome: string, javaHome: string): Kernelspec {
  const configuration = {
    'spark.ui.enabled': 'false',
    'spark.ui.showConsoleProgress': 'false',
    'spark.log.level': 'ERROR',
    'spark.driver.host': '127.0.0.1',
    'spark.sql.shuffle.partitions': '4',
    // Spark 4 warns at each toPandas when PyArrow, 50 MB more to install, is not there.
    'spark.sql.execution.arrow.pyspark.enabled': 'false',
  };
  const options = { master: 'local[*]', name: 'sparkthread', 'driver-memory': '512m' };
  const submitArguments = [
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
    ...Object.entries(configuration).flatMap(([name, value]) => ['--conf', `${name}=${value}`]),
    'pyspark-shell',
  ];
  return {
    ...pythonKernelspec(python, 'Python 3 with Spark (local)'),
    env: {
      SPARK_HOME: sparkHome,
      JAVA_HOME: javaHome,
      PYTHONPATH: dirname(sparkHome),
      PYTHONSTARTUP: sparkStartup,
      PYSPARK_PYTHON: python,
      PYSPARK_SUBMIT_ARGS: submitArguments.join(' '),
      SPARK_LAUNCHER_OPTS: lightJvm,
      SPARK_SUBMIT_OPTS: lightJvm,
      SPARK_LOCAL_IP: '127.0.0.1',
    },
  };
}

/**
 * Writes kernelspecs as Jupyter finds them by JUPYTER_PATH, in a folder named by their content.
 * @returns the folder for JUPYTER_PATH
 */
export async function writeKernelspecs(cache: string, specs: Record<string, Kernelspec>): Promise<string> {
  const content = JSON.stringify(specs);
  const key = createHash('sha256').update(content).digest('hex').slice(0, 12);
  const folder = join(cache, 'kernelspecs', key);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  for (const [name, spec] of Object.entries(specs)) {
    const kernel = join(unfinished, 'kernels', name);
    await mkdir(kernel, { recursive: true });
    await writeFile(join(kernel, 'kernel.json'), `${JSON.stringify(spec, null, 2)}\n`);
  }
  try {
    await rename(unfinished, folder);
  } catch (error) {
    // Another process has just written the same content.
    await rm(unfinished, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}
