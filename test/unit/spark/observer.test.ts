import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { findPython } from '../../../demo/provision/prerequisites.ts';
import { PUT_IN, stopCode } from '../../../src/spark/read-observer.ts';

test('the observer’s own tests, in Python', async () => {
  const { command } = await findPython(process.env);
  const script = fileURLToPath(new URL('observer_test.py', import.meta.url));
  const { stderr } = await promisify(execFile)(command, ['-B', script], { env: { ...process.env, PUT_IN } });
  expect(stderr).toMatch(/^Ran \d\d tests in .*\n\nOK\n$/m);
});

test('the code that goes to a kernel is one expression of plain ASCII, with the request’s id as a literal', () => {
  const code = stopCode(`a"b'\\`, 1.5);
  expect(`${PUT_IN}${code}`).toMatch(/^[\t -~]+$/);
  expect(code).toContain(String.raw`.stop("a\"b'\\", 1.5)`);
});
