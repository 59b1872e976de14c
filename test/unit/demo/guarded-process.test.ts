import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { guarded, startGuarded } from '../../../demo/guarded-process.ts';
import { listen } from '../../support/sockets.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sparkthread-test-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/**
 * A program that ignores SIGTERM and starts a child in a session of its own, which does too; each holds a connection
 * to us for as long as it lives.
 */
const stubborn = `
import os, signal, socket, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
held = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
if len(sys.argv) < 3:
    subprocess.Popen([sys.executable, "-c", os.environ["PROGRAM"], sys.argv[1], "child"], start_new_session=True)
print("running", flush=True)
signal.pause()
`;

/** Counts the living by their connections; `all` resolves when so many have come, `none` when they have gone. */
async function livingProcesses(count: number) {
  const all = Promise.withResolvers<void>();
  const none = Promise.withResolvers<void>();
  let living = 0;
  const server = createServer((socket) => {
    living += 1;
    if (living === count) all.resolve();
    socket.on('error', () => {});
    socket.on('close', () => {
      living -= 1;
      if (living === 0) none.resolve();
    });
    socket.resume();
  });
  const port = await listen(server);
  return { port, all: all.promise, none: none.promise, [Symbol.dispose]: () => void server.close() };
}

const environment = { PATH: process.env['PATH'] ?? '', PROGRAM: stubborn };

test('stop ends a program and its descendants, sessions of their own and deaf ears included', async () => {
  using living = await livingProcesses(2);
  const program = startGuarded({
    python: 'python3',
    command: ['python3', '-c', stubborn, `${living.port}`],
    env: environment,
    workingFolder: tmpdir(),
    folder,
    graceSeconds: 0.2,
  });
  await living.all;
  await program.line(/^running$/);
  await program.stop();
  await living.none;
  expect(existsSync(folder)).toBe(false);
});

test('kill -9 of the owner ends them too', async () => {
  using living = await livingProcesses(2);
  const command = ['python3', '-c', stubborn, `${living.port}`];
  const [python, ...args] = guarded('python3', folder, command, 0.2);
  const owner = `
    const { spawn } = require('node:child_process');
    spawn(${JSON.stringify(python)}, ${JSON.stringify(args)}, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['-e', owner], { env: environment, stdio: 'ignore' });
  await living.all;
  child.kill('SIGKILL');
  await living.none;
});

test('a program that ends takes what it has started with it, and a line that never came is an error', async () => {
  using living = await livingProcesses(1);
  const parent = `import os, subprocess, sys; subprocess.Popen([sys.executable, "-c", os.environ["PROGRAM"], "${living.port}", "child"], start_new_session=True, stdout=subprocess.PIPE).stdout.read(1); print("last words")`;
  const program = startGuarded({
    python: 'python3',
    command: ['python3', '-c', parent],
    env: environment,
    workingFolder: tmpdir(),
    folder,
  });
  await expect(program.line(/never said/)).rejects.toThrow('last words');
  await program.ended;
  await living.none;
  await expect(program.line(/never said/)).rejects.toThrow('last words');
  await program.stop();
});
