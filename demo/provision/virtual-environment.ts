import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cleanEnvironment } from '../clean-environment.ts';
import { guarded } from '../guarded-process.ts';
import { withFileLock } from './file-lock.ts';
import type { Python } from './prerequisites.ts';
import { type Progress, type Step, asStep } from './progress.ts';
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
  /** Packages that are installed last and without their dependencies, because these are pinned too narrowly. */
  withoutDependencies?: string[];
  cache: string;
  python: Python;
  environment: NodeJS.ProcessEnv;
  progress: Progress;
};

const pipOptions = [
  '--no-compile',
  '--no-input',
  '--disable-pip-version-check',
  '--no-warn-script-location',
  '--progress-bar=off',
];

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
    .update(JSON.stringify([requirements, extra, request.python.version, request.python.path]))
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
  step.detail('a few minutes, only this once');
  await mustRun(request.python.command, ['-m', 'venv', folder], { env });
  const total = new Set(requirements.match(/^[\w-]+(?===)/gm)).size;
  let collected = 0;
  const onLine = (line: string) => {
    const text = readPipLine(line);
    if (text === undefined) return;
    if (line.startsWith('Collecting')) collected += 1;
    step.detail(`${text} (${Math.min(collected, total)} of ${total})`);
  };
  const install = async (...what: string[]) => {
    // pip unpacks and builds in a private folder, which the guard removes even if this process is killed.
    const scratch = await mkdtemp(join(request.cache, 'pip-'));
    const command = [join(folder, 'bin', 'python'), '-m', 'pip', 'install', ...pipOptions, ...what];
    const [program, ...args] = guarded(request.python.command, scratch, command);
    await mustRun(program, args, { env: { ...env, TMPDIR: scratch }, onLine, isStdinHeld: true });
  };
  // Build tools are pinned too: they are installed first, and no build fetches its own.
  const setuptools = requirements.split('\n').find((line) => line.startsWith('setuptools=='));
  if (setuptools) await install(setuptools);
  const isolation = setuptools ? ['--no-build-isolation', '--use-pep517'] : [];
  await install(...isolation, '-r', request.requirementsFile);
  const last = request.withoutDependencies ?? [];
  if (last.length > 0) await install(...isolation, '--no-deps', ...last);
}

/** What pip is doing, in a few words. Undefined if the line says nothing new. */
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
