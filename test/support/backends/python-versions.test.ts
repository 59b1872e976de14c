import { execFile } from 'node:child_process';
import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { PUT_IN, stopCode } from '../../../src/spark/read-observer.ts';
import { sqlForKernel } from '../../../src/spark/sql/kernel-code.ts';
import { showFrames } from '../../../src/spark/sql/python.ts';
import { temporaryFolder } from '../../contract/temporary-folder.ts';

const { bin } = inject('backends').pythonChecks;
const folder = temporaryFolder();

/** Runs vermin on these files. Rejects if one of them needs more than Python 2.7 and 3.6. */
async function vermin(files: readonly string[]): Promise<string> {
  const options = ['--no-config-file', '--no-tips', '-vv', '--target=2.7-', '--target=3.6-'];
  const { stdout } = await promisify(execFile)(join(bin, 'vermin'), [...options, ...files]);
  return stdout;
}

function write(name: string, source: string): string {
  const path = join(folder, name);
  writeFileSync(path, source);
  return path;
}

test('everything that is put into Python kernels runs on 2.7 and 3.6', async () => {
  const sources = globSync('src/**/*.py');
  const python = { language: 'python', implementation: 'ipython' };
  const given = {
    'put-in.py': PUT_IN,
    'stop.py': stopCode('id', 1),
    'frames.py': showFrames({ asked: 1, result: 1 }),
    'sql.py': sqlForKernel('select 1', python, 1),
  };
  expect(sources.length).toBeGreaterThanOrEqual(5);
  const files = [...sources, ...Object.entries(given).map(([name, code]) => write(name, code))];
  const said = await vermin(files);
  for (const file of files) expect(said).toContain(file);
});

test.each([
  ['an f-string', 'f"{1}"', '2.x'],
  ['a word of 3.8', '(y := 1)', '3.8'],
])('%s is found', async (_, source, version) => {
  await expect(vermin([write('new.py', `x = ${source}\n`)])).rejects.toMatchObject({
    stdout: expect.stringContaining(version),
  });
});
