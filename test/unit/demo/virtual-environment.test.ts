import { expect, test } from 'vitest';
import { readPipLine } from '../../../demo/provision/virtual-environment.ts';

test.each([
  ['Collecting pyspark==4.3.0', 'collecting pyspark==4.3.0'],
  [
    '  Downloading pandas-2.3.3-cp311-cp311-manylinux.whl (12.8 MB)',
    'downloading pandas-2.3.3-cp311-cp311-manylinux.whl (12.8 MB)',
  ],
  [
    '  Downloading https://index.example/packages/ab/anyio-4.16.0-py3-none-any.whl.metadata (4.0 kB)',
    'downloading anyio-4.16.0-py3-none-any.whl (4.0 kB)',
  ],
  ['  Building wheel for pyspark (pyproject.toml): started', 'building pyspark'],
  ['Installing collected packages: a, b, c', 'unpacking'],
  ['Requirement already satisfied: pip', undefined],
  ['  Installing build dependencies: started', undefined],
  ['', undefined],
])('%s', (line, expected) => {
  expect(readPipLine(line)).toBe(expected);
});
