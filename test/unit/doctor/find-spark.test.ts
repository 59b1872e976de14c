import { expect, test } from 'vitest';
import { findSpark, noteSql } from '../../../src/doctor/ask-kernel.ts';
import { startReport } from '../../../src/doctor/report.ts';
import { startConnectedRig } from '../../support/gateway-client.ts';
import { cluster } from '../../support/kernelspecs.ts';

function noted(found: ReadonlyMap<string, string>, list = cluster.list): string {
  let written = '';
  const report = startReport((text) => (written += text), false);
  noteSql({ ...cluster, list }, { aliases: {}, defaultLanguage: undefined } as never, found, report);
  return written;
}

test('says where SQL runs and in which kernels Spark is', () => {
  const found = new Map([
    ['python2-spark21', '2.1.0'],
    ['scala-spark21', '2.1.0'],
  ]);
  expect(noted(found)).toBe(
    'note    SQL runs on python2-spark21 in a channel that has chosen nothing. Spark is in: python2-spark21 (2.1.0), scala-spark21 (2.1.0).\n',
  );
});

test('says what to do if a kernel with Spark in its name has no Spark', () => {
  expect(noted(new Map([['python3', '4.3.0']]))).toMatch(
    /python2-spark21 .*where no Spark was found\..*Choose another with use/,
  );
});

test('says that it runs nowhere, and nothing where no kernel takes SQL', () => {
  expect(noted(new Map())).toBe('note    SQL runs nowhere: no kernel here has Spark.\n');
  expect(noted(new Map(), [])).toBe('');
});

test('a look that hangs and heeds no interrupt is given up', async () => {
  await using rig = await startConnectedRig({ timings: { stopIgnoredMs: 60, interruptGapMs: 20 } });
  rig.kernel.onExecute = (request, kernel) => kernel.begin(request);
  expect(await findSpark(rig.connection, 'python', AbortSignal.timeout(20))).toBeUndefined();
});
