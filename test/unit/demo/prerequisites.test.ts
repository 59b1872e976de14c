import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findJava, findPython } from '../../../demo/provision/prerequisites.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sparkthread-test-'));
});

afterEach(() => rm(folder, { recursive: true }));

/** A program that prints this, wherever it is called. */
async function program(path: string, output: string, stream: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
  const file = join(folder, path);
  await mkdir(join(file, '..'), { recursive: true });
  const redirect = stream === 'stderr' ? ' >&2' : '';
  await writeFile(file, `#!/bin/sh\nprintf '%b' '${output.replaceAll('\n', '\\n')}'${redirect}\n`);
  await chmod(file, 0o755);
}

const java = (version: string) =>
  `Property settings:\n    java.home = /jvm/${version}\n    java.specification.version = ${version}\n`;

test('takes the first Python that is new enough and can make virtual environments', async () => {
  await program('python3', '3.9.2\n/old/python\n/old/python3.9\nvenv\n');
  await program('python3.13', '3.13.1\n/new/python\n/new/python3.13\nno venv\n');
  await program('python3.11', '3.11.2\n/good/python\n/good/python3.11\nvenv\n');
  await expect(findPython({ PATH: folder })).resolves.toEqual({
    command: '/good/python',
    version: '3.11.2',
    path: '/good/python3.11',
  });
});

test('names the package when Python has no venv, and when there is no Python', async () => {
  await expect(findPython({ PATH: folder })).rejects.toThrow('sudo apt install python3 python3-venv');
  await program('python3', '3.12.1\n/a/python\n/a/python3.12\nno venv\n');
  await expect(findPython({ PATH: folder })).rejects.toThrow(
    'Python 3.12.1 cannot make virtual environments',
  );
});

test('finds Java by JAVA_HOME, else on the path, when it is 17 or newer', async () => {
  await expect(findJava({ PATH: folder })).resolves.toBeUndefined();
  await program('java', java('1.8'), 'stderr');
  await expect(findJava({ PATH: folder })).resolves.toBeUndefined();
  await program('java', java('17'), 'stderr');
  await expect(findJava({ PATH: folder })).resolves.toEqual({ home: '/jvm/17', major: 17 });
  await program('home/bin/java', java('21'), 'stderr');
  await expect(findJava({ PATH: folder, JAVA_HOME: join(folder, 'home') })).resolves.toMatchObject({
    major: 21,
  });
});
