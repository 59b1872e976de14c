import { expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { LEAST } from '../../support/least-settings.ts';

test('paths lose their slashes at both ends; a body is an object', () => {
  const env = {
    KG_KERNELS_PATH: '/v4/kernels/',
    KG_KERNELSPECS_PATH: 'specs',
    KERNEL_BODY: '{"engine":{"a":1}}',
  };
  expect(readConfig({ ...LEAST, ...env }).gateway).toMatchObject({
    kernelsPath: 'v4/kernels',
    kernelspecsPath: 'specs',
    startBody: { engine: { a: 1 } },
  });
});

test.for([
  [{ KG_KERNELS_PATH: '/' }, 'KG_KERNELS_PATH must be a path'],
  [{ KG_KERNELS_PATH: '../kernels' }, 'KG_KERNELS_PATH must be a path'],
  [{ KG_KERNELSPECS_PATH: 'specs?a=b' }, 'KG_KERNELSPECS_PATH must be a path'],
  [{ KERNEL_BODY: '["a"]' }, 'KERNEL_BODY must be a JSON object'],
  [{ KERNEL_BODY: '{"env":{}}' }, 'KERNEL_ENV is for that'],
  [{ KERNEL_BODY: '{"kernel_id":"a"}' }, 'must not hold kernel_id'],
] as const)('refused: %o', ([env, words]) => {
  expect(() => readConfig({ ...LEAST, ...env })).toThrow(
    expect.objectContaining({ problems: [expect.stringContaining(words)] }),
  );
});
