#!/usr/bin/env node
// The one entry: `node bin/sparkthread.js start|demo|test|doctor|build [arguments]`.
// Plain JavaScript that an old Node can parse, because its first work is to hand over to a Node that is new enough.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

const root = new URL('../', import.meta.url);
const bundledNode = fileURLToPath(new URL('node_modules/.bin/node', root));
const programs = {
  start: 'src/main.ts',
  demo: 'demo/main.ts',
  doctor: 'src/doctor/main.ts',
  build: 'tools/build.ts',
};
/** What `npm run build` makes of them. */
const built = { start: 'dist/start.js', doctor: 'dist/doctor.js' };
/** The hash of the source that was built. It is written last, so an unfinished build has none. */
const builtFrom = new URL('dist/source.sha256', root);
/** As `start` in package.json and the Dockerfile give them. */
const flags = ['--liftoff-only'];
const exitBadConfig = 78;

function isNewEnough() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 19);
}

function refuse(lines) {
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exit(exitBadConfig);
}

/** Runs this same entry under the Node that `npm ci` installed, and ends as it ends. */
function handOver() {
  if (!existsSync(bundledNode) || process.env.SPARKTHREAD_HANDED_OVER) {
    refuse([
      `Sparkthread needs Node 22.19 or newer; this is ${process.versions.node}, and node_modules has no newer one.`,
      'Run `npm ci` (without --ignore-scripts and with development dependencies), or install Node 24.',
    ]);
  }
  // By the ipc channel the new process notices the end of this one, whatever its cause.
  const child = spawn(bundledNode, [...flags, fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, SPARKTHREAD_HANDED_OVER: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) {
    process.on(signal, () => {
      // Ctrl-C in a terminal reaches both processes by itself.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => refuse([`${bundledNode} does not run: ${error.message}`]));
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
}

/** `test` leaves out the long projects (`all-*`), `test --all` does not. `nightly-*` runs only if `--project` names it. */
function testArguments(args) {
  const isChosen = args.some((argument) => argument.startsWith('--project'));
  const left = args.includes('--all') ? ['nightly-*'] : ['nightly-*', 'all-*'];
  const closingLine = fileURLToPath(new URL('test/support/closing-line-reporter.ts', root));
  return [
    `--root=${fileURLToPath(root)}`,
    '--reporter=default',
    `--reporter=${closingLine}`,
    ...(isChosen ? [] : left.map((name) => `--project=!${name}`)),
    ...args.filter((argument) => argument !== '--all'),
  ];
}

/** A hash of everything that the build reads. Times of files say nothing: unpacking a tree may set them. */
function hashSource() {
  const files = readdirSync(new URL('src/', root), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`)
    .toSorted();
  const hash = createHash('sha256');
  const others = ['package.json', 'package-lock.json', 'tools/build.ts'].map((path) => new URL(path, root));
  for (const path of [...files, ...others]) if (existsSync(path)) hash.update(readFileSync(path));
  return hash.digest('hex');
}

/** The built program, if it was built from exactly this source or if there is no source, as in the image. */
function chooseProgram(name) {
  if (!(name in built) || !existsSync(builtFrom)) return programs[name];
  const isFresh = !existsSync(new URL('src/', root)) || readFileSync(builtFrom, 'utf8') === hashSource();
  return isFresh ? built[name] : programs[name];
}

async function run(name, args) {
  delete process.env.SPARKTHREAD_HANDED_OVER;
  if (process.channel) {
    process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
    process.channel.unref();
  }
  if (name === 'test') {
    const { createCLI } = await import('vitest/node');
    createCLI().parse([process.execPath, 'vitest', 'run', ...testArguments(args)]);
    return;
  }
  // What is compiled, TypeScript's types stripped, is kept for the next start (in NODE_COMPILE_CACHE, else beside the
  // system's temporary files; where neither can be written nothing is kept).
  nodeModule.enableCompileCache();
  // 100 MB of output leave 15 MB behind, in place of 150 MB, for 13 ms more of a processor for each MB; at rest it saves 28 MB
  // (bench/stand/big-output.ts).
  setFlagsFromString('--optimize-for-size');
  const program = new URL(chooseProgram(name), root);
  process.argv = [process.execPath, fileURLToPath(program), ...args];
  await import(program.href);
  // Last, so that a build that was cut short does not count.
  if (name === 'build') writeFileSync(builtFrom, hashSource());
}

const [name, ...args] = process.argv.slice(2);
const usage = 'usage: node bin/sparkthread.js start|demo|test|doctor|build [arguments], or --version';
if (['help', '--help', '-h'].includes(name)) {
  process.stdout.write(`${usage}\n`);
} else if (['version', '--version', '-v'].includes(name)) {
  process.stdout.write(`${JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).version}\n`);
} else if (name !== 'test' && !Object.keys(programs).includes(name)) {
  refuse([usage]);
} else if (isNewEnough()) {
  await run(name, args);
} else {
  handOver();
}
