import { delimiter, join } from 'node:path';
import { cleanEnvironment } from '../clean-environment.ts';
import { runTool } from './run-tool.ts';
import { SetupError } from './setup-error.ts';

export type Python = {
  command: string;
  version: string;
  /** Its real path, without the links by which it was found. */
  path: string;
};
export type Java = { home: string; major: number };

const pythonNames = [
  'python3',
  'python3.14',
  'python3.13',
  'python3.12',
  'python3.11',
  'python3.10',
  'python',
];
const pythonQuestion = `
import os, sys
print("%d.%d.%d" % sys.version_info[:3])
print(sys.executable)
print(os.path.realpath(sys.executable))
try:
    import venv, ensurepip
    print("venv")
except ImportError:
    print("no venv")
`;

const missingPython =
  'Python 3.10 or newer is needed. Debian, Ubuntu: `sudo apt install python3 python3-venv`. macOS: `brew install python`.';
const missingVenv = (version: string) =>
  `Python ${version} cannot make virtual environments here. Debian, Ubuntu: \`sudo apt install python3-venv\`. macOS: \`brew install python\`.`;
export const missingJava =
  'Java 17 or newer is missing. Debian, Ubuntu: `sudo apt install default-jre-headless`. macOS: `brew install openjdk@17` and set JAVA_HOME.';

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = version.split('.').map(Number);
  return a > major || (a === major && b >= minor);
}

/** The first Python on the path that is new enough and can make virtual environments; SetupError names what to install. */
export async function findPython(environment: NodeJS.ProcessEnv): Promise<Python> {
  let withoutVenv: string | undefined;
  for (const name of pythonNames) {
    const asked = await runTool(name, ['-c', pythonQuestion], { env: cleanEnvironment(environment) });
    const [version, command, path, venv] = asked.stdout.split('\n');
    if (asked.code !== 0 || !version || !command || !path || !isAtLeast(version, 3, 10)) continue;
    if (venv === 'venv') return { command, version, path };
    withoutVenv ??= version;
  }
  throw new SetupError(withoutVenv ? missingVenv(withoutVenv) : missingPython);
}

/** The Java of JAVA_HOME, else of the path, when it is 17 or newer. */
export async function findJava(environment: NodeJS.ProcessEnv): Promise<Java | undefined> {
  const home = environment['JAVA_HOME'];
  const commands = [...(home ? [join(home, 'bin', 'java')] : []), 'java'];
  for (const command of commands) {
    const asked = await runTool(command, ['-XshowSettings:properties', '-version'], {
      env: cleanEnvironment(environment),
    });
    const property = (name: string) =>
      new RegExp(`^\\s*${name} = (.*)$`, 'm').exec(asked.stderr)?.[1]?.trim();
    const major = Number(property('java\\.specification\\.version'));
    const foundHome = property('java\\.home');
    if (asked.code === 0 && foundHome && major >= 17) return { home: foundHome, major };
  }
  return undefined;
}

/** A search path with these folders before the caller's own. */
export function pathWith(folders: string[], environment: NodeJS.ProcessEnv): string {
  return [...folders, environment['PATH'] ?? ''].filter(Boolean).join(delimiter);
}
