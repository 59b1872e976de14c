import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { cleanEnvironment } from '../../../demo/clean-environment.ts';
import { type Kernelspec, lightJvm } from '../../../demo/provision/kernelspecs.ts';
import { runTool } from '../../../demo/provision/run-tool.ts';

/** Kernelspecs that fail to start. */
export const brokenKernelspecs: Record<string, Kernelspec> = {
  'broken-exit': {
    argv: ['sh', '-c', 'echo this kernel cannot start >&2; exit 1', '{connection_file}'],
    display_name: 'Broken: exits at once',
    language: 'none',
  },
  'broken-hang': {
    argv: ['sh', '-c', 'exec sleep 1000', '{connection_file}'],
    display_name: 'Broken: never answers',
    language: 'none',
  },
};

/**
 * Starts once and never again. By default later processes exit, so the gateway gives up with the status `dead`.
 * @param later what they do
 */
export function startsOnceKernelspec(python: string, later = 'exit 1'): Kernelspec {
  const script = `if [ -e "$1.started" ]; then ${later}; fi; touch "$1.started"; exec "$0" -m ipykernel_launcher -f "$1"`;
  return {
    argv: ['sh', '-c', script, python, '{connection_file}'],
    display_name: 'Broken: starts once',
    language: 'python',
  };
}

/** Python, where another program tries to take the kernel's shell port for half a minute before the kernel binds it. */
export function contestedPortKernelspec(python: string): Kernelspec {
  const taker =
    'import json, socket, sys, time; other = socket.socket(); ' +
    'other.bind(("127.0.0.1", json.load(open(sys.argv[1]))["shell_port"])); other.listen(); time.sleep(30)';
  const script =
    `if [ ! -e "$1.tried" ]; then touch "$1.tried"; setsid "$0" -c '${taker}' "$1" >/dev/null 2>&1 & sleep 0.5; fi; ` +
    'exec "$0" -m ipykernel_launcher -f "$1"';
  return {
    argv: ['sh', '-c', script, python, '{connection_file}'],
    display_name: 'Python 3 with a contested port',
    language: 'python',
  };
}

/** IRkernel of the machine's R. Undefined if R or the package is missing. */
export async function findRKernelspec(environment: NodeJS.ProcessEnv): Promise<Kernelspec | undefined> {
  const asked = await runTool('R', ['--slave', '-e', 'library(IRkernel)'], {
    env: cleanEnvironment(environment),
  });
  if (asked.code !== 0) return undefined;
  return {
    argv: ['R', '--slave', '-e', 'IRkernel::main()', '--args', '{connection_file}'],
    display_name: 'R',
    language: 'R',
  };
}

/** Apache Toree: Scala on a local Spark 3.5. */
export async function toreeKernelspec(packages: string, javaHome: string): Promise<Kernelspec> {
  const sparkHome = join(packages, 'pyspark');
  const program = join(packages, 'toree', 'bin', 'run.sh');
  if (!existsSync(program)) throw new Error(`Toree has no ${program}`);
  await chmod(program, 0o755);
  const options = '--master local[2] --name ToreeScala --driver-memory 768m --conf spark.ui.enabled=false';
  return {
    argv: [program, '--profile', '{connection_file}'],
    display_name: 'Scala 2.12 with Spark 3.5 (Toree)',
    language: 'scala',
    interrupt_mode: 'signal',
    env: {
      DEFAULT_INTERPRETER: 'Scala',
      JAVA_HOME: javaHome,
      SPARK_HOME: sparkHome,
      SPARK_LOCAL_IP: '127.0.0.1',
      SPARK_LAUNCHER_OPTS: lightJvm,
      // The Scala compiler in Toree recurses deeply.
      SPARK_SUBMIT_OPTS: `${lightJvm} -Xss2m`,
      PYTHON_EXEC: 'python',
      __TOREE_SPARK_OPTS__: options,
      __TOREE_OPTS__: '',
    },
  };
}
