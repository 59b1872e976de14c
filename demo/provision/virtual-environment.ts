import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cleanEnvironment } from '../clean-environment.ts';
import { withFileLock } from './file-lock.ts';
import type { Python } from './prerequisites.ts';
import type { Progress, Step } from './progress.ts';
import { asStep } from './progress.ts';
import { mustRun } from './run-tool.ts';

export type VirtualEnvironment = {
  folder: string;
  /** Path of its Python. */
  python: string;
  /** Folder of its programs. */
  bin: string;
};

export type VirtualEnvironmentRequest = {
  /** A short word for the folder's name and the progress line. */
  name: string;
  title: string;
  /** A pip requirements file in which every package is pinned. */
  requirementsFile: string;
  /** Packages whose own pins are left aside: installed last, without what they ask for. */
  withoutDependencies?: string[];
  cache: string;
  python: Python;
  environment: NodeJS.ProcessEnv;
  progress: Progress;
};

/**
 * The virtual environment for these requirements and this Python, built when it is not there yet.
 * A half-built one (interrupted, killed) has no mark and is built anew; two processes take turns.
 */
export async function ensureVirtualEnvironment(
  request: VirtualEnvironmentRequest,
): Promise<VirtualEnvironment> {
  const requirements = await readFile(request.requirementsFile, 'utf8');
  const extra = request.withoutDependencies ?? [];
  const key = createHash('sha256')
    .update(JSON.stringify([requirements, extra, request.python.version, request.python.command]))
    .digest('hex')
    .slice(0, 12);
  const folder = join(request.cache, 'venvs', `${request.name}-${key}`);
  const bin = join(folder, 'bin');
  const built = { folder, python: join(bin, 'python'), bin };
  const mark = join(folder, 'complete');
  if (existsSync(mark)) return built;
  await asStep(request.progress, `Installing ${request.title}`, (step) => {
    const onWait = () => step.detail('waiting for another process that installs it');
    return withFileLock(`${folder}.lock`, onWait, async () => {
      if (existsSync(mark)) return { value: undefined, text: 'installed by another process' };
      await rm(folder, { recursive: true, force: true });
      await build(request, folder, requirements, step);
      await writeFile(mark, `${new Date().toISOString()}\n`);
      return { value: undefined };
    });
  });
  return built;
}

async function build(
  request: VirtualEnvironmentRequest,
  folder: string,
  requirements: string,
  step: Step,
): Promise<void> {
  const env = cleanEnvironment(request.environment);
  step.detail('making a virtual environment');
  await mustRun(request.python.command, ['-m', 'venv', folder], { env });
  const quiet = [
    '--disable-pip-version-check',
    '--no-input',
    '--progress-bar',
    'off',
    '--no-warn-script-location',
  ];
  const install = ['-m', 'pip', 'install', '--no-compile', ...quiet];
  const total = new Set(requirements.match(/^[\w-]+(?===)/gm)).size;
  let collected = 0;
  const onLine = (line: string) => {
    const text = readPipLine(line);
    if (text === undefined) return;
    if (line.startsWith('Collecting')) collected += 1;
    step.detail(`${text} (${Math.min(collected, total)} of ${total})`);
  };
  const python = join(folder, 'bin', 'python');
  // What builds a source package is pinned like the rest: it comes first, and no build fetches its own.
  const setuptools = requirements.split('\n').find((line) => line.startsWith('setuptools=='));
  if (setuptools) await mustRun(python, [...install, setuptools], { env });
  const isolation = setuptools ? ['--no-build-isolation', '--use-pep517'] : [];
  await mustRun(python, [...install, ...isolation, '-r', request.requirementsFile], { env, onLine });
  if (request.withoutDependencies?.length) {
    await mustRun(python, [...install, ...isolation, '--no-deps', ...request.withoutDependencies], {
      env,
      onLine,
    });
  }
}

/** What pip is doing, in a few words; undefined for lines that say nothing new. */
export function readPipLine(line: string): string | undefined {
  const [, verb, what = ''] =
    /^\s*(Collecting|Downloading|Using cached|Building wheel for|Installing) (.+)/.exec(line) ?? [];
  if (verb === undefined) return undefined;
  if (verb === 'Installing') return /collected packages/.test(what) ? 'unpacking' : undefined;
  if (verb === 'Building wheel for') return `building ${what.split(' ')[0]}`;
  const file = basename(what.split(' ')[0] ?? '').replace(/\.metadata$/, '');
  const size = /\([^)]*[kMG]B\)/.exec(what)?.[0] ?? '';
  return `${verb.toLowerCase()} ${file} ${size}`.trim();
}
