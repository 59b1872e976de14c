import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createFolder } from '../../src/folders.ts';

test('a folder is made with those above it, and one that is there stays', () => {
  const place = mkdtempSync(join(tmpdir(), 'folders-'));
  createFolder(join(place, 'a', 'b'), 0o700);
  createFolder(join(place, 'a', 'b'));
  expect(['a', 'a/b'].map((name) => statSync(join(place, name)).mode & 0o777)).toEqual([0o700, 0o700]);
  rmSync(place, { recursive: true });
});

test('where the system allows no folders it is an error, and not an endless loop', () => {
  expect(() => createFolder('/proc/none/a')).toThrow('mkdir');
});
