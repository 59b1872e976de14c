import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const entry = fileURLToPath(new URL('../../../bin/sparkthread.js', import.meta.url));
/** Makes this Node call itself an old one; the Node that is handed over to does not load it. */
const beOld = `data:text/javascript,${encodeURIComponent(
  "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });",
)}`;

let root: string;

/** A checkout with the entry and a bot that does what its first argument says. */
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sparkthread-test-'));
  for (const folder of ['bin', 'src', 'node_modules/.bin'])
    await mkdir(join(root, folder), { recursive: true });
  await copyFile(entry, join(root, 'bin/sparkthread.js'));
  await writeFile(join(root, 'package.json'), '{ "type": "module" }');
  await writeFile(
    join(root, 'src/main.ts'),
    `const [, , what, code]: string[] = process.argv;
     if (what === 'wait') {
       process.on('SIGTERM', () => { console.log('told'); process.exit(7); });
       setInterval(() => {}, 1e6);
     }
     console.log(process.versions.node === '20.20.2' ? 'old' : 'new', process.pid, process.env.SPARKTHREAD_HANDED_OVER);
     if (what === 'exit') process.exit(Number(code));
     if (what === 'die') process.kill(process.pid, 'SIGKILL');`,
  );
});

afterEach(() => rm(root, { recursive: true }));

async function withNode(): Promise<void> {
  await symlink(process.execPath, join(root, 'node_modules/.bin/node'));
}

function start(nodeOptions: string[], args: string[]) {
  const child = spawn(process.execPath, [...nodeOptions, join(root, 'bin/sparkthread.js'), ...args]);
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (data: Buffer) => (said.stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (said.stderr += data.toString()));
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => ({ code, signal, ...said }));
  return { child, ended };
}

test('a new Node runs the program itself', async () => {
  const { child, ended } = start([], ['start', 'exit', '3']);
  const { code, stdout } = await ended;
  expect(code).toBe(3);
  expect(stdout).toBe(`new ${child.pid} undefined\n`);
});

test('what was built is run while it comes from the very source and packages', async () => {
  await mkdir(join(root, 'src/runs'));
  await mkdir(join(root, 'tools'));
  const files = ['package-lock.json', 'src/main.ts', 'src/runs/run.ts', 'tools/build.ts'];
  for (const file of files) await writeFile(join(root, file), `console.log('new'); // ${file}`);
  const builder =
    "import { mkdirSync, writeFileSync } from 'node:fs';\nconst dist = new URL('../dist/', import.meta.url);\n";
  const write =
    "mkdirSync(dist, { recursive: true });\nwriteFileSync(new URL('start.js', dist), 'console.log(\"built\")');\n";
  const started = async () => (await start([], ['start']).ended).stdout.split(' ')[0]?.trim();

  // A build that is cut short counts for nothing.
  await writeFile(join(root, 'tools/build.ts'), `${builder}${write}throw new Error('no room');`);
  expect((await start([], ['build']).ended).code).not.toBe(0);
  expect(await started()).toBe('new');

  await writeFile(join(root, 'tools/build.ts'), builder + write);
  expect((await start([], ['build']).ended).code).toBe(0);
  expect(await started()).toBe('built');
  for (const file of files) {
    const path = join(root, file);
    const before = await readFile(path, 'utf8');
    await writeFile(path, `${before} // changed`);
    // As an archive has it: older than what was built.
    await utimes(path, 10, 10);
    expect(await started()).toBe('new');
    await writeFile(path, before);
    expect(await started()).toBe('built');
  }
  // As in the image.
  await rm(join(root, 'src'), { recursive: true });
  expect(await started()).toBe('built');
});

test('an old Node hands over and ends as the program ends', async () => {
  await withNode();
  expect(await start(['--import', beOld], ['start', 'exit', '3']).ended).toMatchObject({
    code: 3,
    stdout: expect.stringMatching(/^new \d+ undefined\n$/),
  });
  expect(await start(['--import', beOld], ['start', 'die']).ended).toMatchObject({ code: 128 + 9 });
});

test('a signal reaches the program behind an old Node', async () => {
  await withNode();
  const { child, ended } = start(['--import', beOld], ['start', 'wait']);
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 7, stdout: expect.stringContaining('told') });
});

test('the program ends when the old Node is killed', async () => {
  await withNode();
  const { child, ended } = start(['--import', beOld], ['start', 'wait']);
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  // The pipes close when the last process that holds them has ended.
  expect(await ended).toMatchObject({ signal: 'SIGKILL', stdout: expect.stringContaining('told') });
});

test('an old Node alone says what to do', async () => {
  const { code, stderr } = await start(['--import', beOld], ['start']).ended;
  expect(code).toBe(78);
  expect(stderr).toContain('needs Node 22.19 or newer; this is 20.20.2');
  expect(stderr).toContain('npm ci');
});

test('an unknown word is refused with the known ones', async () => {
  expect(await start([], ['sing']).ended).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('start|demo|test|doctor'),
  });
});
