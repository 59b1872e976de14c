import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type KernelGateway, startKernelGateway } from '../../../demo/gateway.ts';
import { createGatewayClient } from '../../../src/gateway/client.ts';
import type { Gateway, KernelConnection } from '../../../src/gateway/gateway.ts';
import { silentLog } from '../../../src/log.ts';
import { ToreesNull } from '../../../src/output/errors/spark-error.ts';
import { SparkObserver, type SparkSettings } from '../../../src/runs/session/spark-observer.ts';
import { MONITOR_TARGET } from '../../../src/spark/read-monitor.ts';
import { readMoment } from '../../../src/spark/read-observer.ts';
import { sqlForKernel } from '../../../src/spark/sql/kernel-code.ts';
import { SPARK_TABLE_MIME } from '../../../src/spark/sql/python.ts';
import { useUtf8 } from '../../../src/spark/use-utf8.ts';
import {
  connectTo,
  kindsOf,
  run,
  settingsFor,
  textOf,
  type WatchedConnection,
  watch,
} from '../../support/gateway-client.ts';

/** Kernels that behave in ways of their own, on Kernel Gateway 3 through this client. */

const backends = inject('backends');
let server: KernelGateway;
let gateway: Gateway;

const SPARK: SparkSettings = {
  progress: 'auto',
  uiUrl: undefined,
  historyUrl: undefined,
  sqlRows: 1,
  resultRows: 0,
};

beforeAll(async () => {
  server = await startKernelGateway({ provisioned: backends });
  const urls = { httpUrl: server.url, wsUrl: server.url.replace(/^http/, 'ws') };
  gateway = createGatewayClient(settingsFor(urls, { token: server.token, launchTimeoutMs: 120_000 }), {
    log: silentLog,
  });
});
afterAll(async () => {
  await gateway?.close();
  await server?.stop();
});

/** One kernel for all tests of a language: some take ten seconds to start. */
function describeKernel(
  kernelspec: string,
  tests: (kernel: () => KernelConnection, watched: () => WatchedConnection) => void,
): void {
  describe.skipIf(backends.missing[kernelspec] !== undefined)(
    `${kernelspec} ${backends.missing[kernelspec] ?? ''}`,
    () => {
      let watched: WatchedConnection;
      beforeAll(async () => {
        const model = await gateway.startKernel({ kernelspec, kernelId: randomUUID(), env: {} });
        watched = await connectTo(gateway, model.id);
      });
      afterAll(async () => {
        if (watched !== undefined) await gateway.shutDownKernel(watched.connection.kernelId);
      });
      tests(
        () => watched.connection,
        () => watched,
      );
    },
  );
}

async function stopOnceItRuns(connection: KernelConnection, code: string) {
  const stop = new AbortController();
  const running = run(connection, { code, signal: stop.signal });
  await running.until('stream');
  stop.abort();
  return { running, end: await running.end };
}

describeKernel('python3-ipykernel6', (kernel) => {
  test('is ipykernel 6, and runs', async () => {
    const running = run(kernel(), { code: 'import ipykernel\nprint(ipykernel.version_info[0])\n2+3' });
    expect(await running.end).toMatchObject({ kind: 'ok', executionCount: expect.any(Number) });
    expect(textOf(running.outputs)).toBe('6\n');
    expect(await running.until('result')).toMatchObject({ data: { 'text/plain': '5' } });
  });

  test('a fork of the kernel prints, and does not end the cell', async () => {
    // A child that returned into ipykernel 6 would sometimes end the process itself.
    const code =
      'import os, time\npid = os.fork()\nif pid: time.sleep(4)\nprint(pid > 0, flush=True)\nif not pid: os._exit(0)';
    const running = run(kernel(), { code });
    expect(await running.end).toMatchObject({ kind: 'ok', replyMissing: false });
    expect(textOf(running.outputs)).toBe('False\nTrue\n');
  });

  test('a stop works at an await, which a signal alone does not wake', async () => {
    const code = 'import asyncio\nprint("in", flush=True)\nawait asyncio.sleep(60)';
    const { end } = await stopOnceItRuns(kernel(), code);
    expect(end).toMatchObject({ kind: 'interrupted', variablesLost: false });
  });

  test('output before a crash arrives, and so does the crash', async () => {
    const running = run(kernel(), { code: 'import os\nprint("dying", flush=True); os._exit(1)' });
    expect(await running.end).toMatchObject({ kind: 'kernelDied' });
    expect(await run(kernel()).end).toMatchObject({ kind: 'ok', executionCount: 1 });
  });
});

describeKernel('ir', (kernel, watched) => {
  test('values come as displays, messages on stderr, the plain form first', async () => {
    const running = run(kernel(), { code: 'cat("out\\n"); message("err"); x <- c(1, 2, 3); mean(x)' });
    expect(await running.end).toMatchObject({ kind: 'ok', possibleGap: false });
    expect(textOf(running.outputs)).toBe('out\n');
    expect(textOf(running.outputs, 'stderr')).toContain('err');
    const { data } = await running.until('display');
    expect(data['text/plain']).toBe('[1] 2');
    expect(kindsOf(running.outputs)).not.toContain('result');
  });

  test('a plot belongs to its run, even if it comes after the reply', async () => {
    const running = run(kernel(), { code: 'plot(1:3)' });
    expect(await running.end).toMatchObject({ kind: 'ok' });
    expect((await running.until('display')).data).toHaveProperty('image/png');
  });

  test('a non-ASCII letter arrives, even in a locale without such letters', async () => {
    await run(kernel(), { code: 'invisible(Sys.setlocale("LC_CTYPE", "C"))' }).end;
    await new SparkObserver(SPARK, silentLog).install(kernel());
    const running = run(kernel(), { code: 'cat("日本é", nchar("日本é"))' });
    expect(await running.end).toMatchObject({ kind: 'ok' });
    expect(textOf(running.outputs)).toBe('日本é 3');
  });

  test('trap 21: an error, and an interrupt without any error', async () => {
    const failing = run(kernel(), { code: 'stop("boom")' });
    expect(await failing.end).toMatchObject({ kind: 'raised' });
    expect(await failing.until('error')).toMatchObject({
      name: 'ERROR',
      value: expect.stringContaining('boom'),
    });
    const { running, end } = await stopOnceItRuns(kernel(), 'cat("in\\n"); flush.console(); Sys.sleep(60)');
    expect(end).toMatchObject({ kind: 'interrupted', variablesLost: false });
    expect(kindsOf(running.outputs)).not.toContain('error');
  });

  test('trap 22: readline asks although no input is allowed: refused, and the kernel goes on', async () => {
    const asking = run(kernel(), { code: 'n <- readline("name? "); cat("got", nchar(n), "\\n")' });
    expect(await asking.end).toMatchObject({ kind: 'ok' });
    expect(await asking.until('inputRequest')).toMatchObject({ prompt: 'name? ', refused: true });
    expect(textOf(asking.outputs)).toContain('got 0');
  });

  test('readline gets its answer', async () => {
    const asking = run(kernel(), { code: 'cat("hi", readline("name? "), "\\n")', allowStdin: true });
    (await asking.until('inputRequest')).answer('Ann');
    expect(await asking.end).toMatchObject({ kind: 'ok' });
    expect(textOf(asking.outputs)).toContain('hi Ann');
  });

  test('a restart while code runs ends the run', async () => {
    const running = run(kernel(), { code: 'cat("in\\n"); flush.console(); Sys.sleep(60)' });
    await running.until('stream');
    await gateway.restartKernel(kernel().kernelId);
    expect(await running.end).toMatchObject({ kind: 'kernelRestarted', variablesLost: true });
    expect(await run(kernel(), { code: 'exists("x")' }).end).toMatchObject({ kind: 'ok' });
  });

  test('quit() ends the kernel’s state', async () => {
    const restarted = watched().untilEvent('kernelRestarted');
    const end = await run(kernel(), { code: 'quit()' }).end;
    expect(end).toMatchObject({ variablesLost: true });
    await restarted;
    expect(await run(kernel(), { code: '1' }).end).toMatchObject({ kind: 'ok' });
  });
});

test.skipIf(backends.missing['ir'] !== undefined)(
  'ir: a death while nobody was connected is found, whatever the gateway says of the kernel',
  async () => {
    const { id } = await gateway.startKernel({ kernelspec: 'ir', kernelId: randomUUID(), env: {} });
    const { connection } = await connectTo(gateway, id);
    const asked = run(connection, { code: 'cat(Sys.getpid())' });
    await asked.end;
    const long = run(connection, { code: 'Sys.sleep(300)' });
    await long.until('started');
    await connection.close();
    process.kill(Number(textOf(asked.outputs)), 'SIGKILL');
    const again = await connectTo(gateway, id, { sessionId: connection.sessionId });
    const resumed = watch(again.connection.resume({ msgId: long.execution.msgId, executionCount: 2 }));
    expect(await resumed.end).toMatchObject({ kind: 'kernelDied', variablesLost: true });
    expect(await run(again.connection, { code: '1' }).end).toMatchObject({ kind: 'ok' });
    await gateway.shutDownKernel(id);
  },
);

describeKernel('scala-spark', (kernel, watched) => {
  test('code that asks Spark for its version, name, id and a count prints four lines', async () => {
    const code = `
        print(s"Spark Version: \${sc.version}")
        print(s"Application Name: \${sc.appName}")
        print(s"Application ID: \${sc.applicationId}")
        print(sc.parallelize(1 to 5).count())
        `;
    const running = run(kernel(), { code });
    expect(await running.end).toMatchObject({ kind: 'ok' });
    expect(textOf(running.outputs)).toMatch(
      /Spark Version: 3\.5\.\d+.*Application Name: ToreeScala.*Application ID: local-\d+.*5/s,
    );
  });

  test('definitions come as displays and the value as a result, although both come after the reply', async () => {
    const running = run(kernel(), { code: 'val x = 3\nx + 1' });
    expect(await running.end).toMatchObject({ kind: 'ok', possibleGap: false });
    expect(await running.until('display')).toMatchObject({ data: { 'text/plain': 'x = 3\n' } });
    // About one result in a hundred comes a quarter of a second after everything else, later on a busy machine.
    const result = running
      .until('result')
      .catch(async () => (await watched().untilEvent('lateOutput')).output);
    expect(await result).toMatchObject({ kind: 'result', data: { 'text/plain': '4' } });
  });

  test.for([
    ['an exception', 'val z = 1 / (1 - 1)', 'by zero'],
    ['a compile error', 'val x: Int = "a"', 'type mismatch'],
    ['a job error', 'sc.parallelize(1 to 4).map(i => 10 / (i - 2)).collect()', 'by zero'],
  ] as const)('trap 53: %s is told once', async ([, code, words]) => {
    const failing = run(kernel(), { code });
    expect(await failing.end).toMatchObject({ kind: 'raised' });
    const errors = failing.outputs.filter((output) => output.kind === 'error');
    expect(errors).toHaveLength(1);
    expect(JSON.stringify(errors)).toContain(words);
  });

  test('a non-ASCII letter arrives, even in a locale without such letters', async () => {
    const poor = (useUtf8('Apache Toree') ?? '').replace('US_ASCII', '@').replace('UTF_8', 'US_ASCII');
    await run(kernel(), { code: poor.replace('@', 'UTF_8') }).end;
    await new SparkObserver(SPARK, silentLog).install(kernel());
    const running = run(kernel(), { code: 'println("日本é")\n"ö"' });
    expect(await running.end).toMatchObject({ kind: 'ok', idleMissing: false });
    expect(textOf(running.outputs)).toBe('日本é\n');
    expect(await running.until('result')).toMatchObject({ data: { 'text/plain': 'ö' } });
  });

  test('the thread in the kernel reports a job of the cell, and SQL gives a table', async () => {
    await new SparkObserver({ ...SPARK, progress: 'all' }, silentLog).install(kernel());
    const counting = run(kernel(), {
      code: 'sc.parallelize(1 to 24, 24).map { i => Thread.sleep(200); i }.count()',
    });
    expect(await counting.end).toMatchObject({ kind: 'ok' });
    const told = counting.outputs.flatMap((said) =>
      said.kind === 'comm' ? (readMoment(said)?.counts ?? []) : [],
    );
    expect(told.at(-1)).toMatchObject({ jobs: 1, tasks: 24, failedTasks: 0 });
    expect(told.map(({ doneTasks }) => doneTasks)).toEqual(
      told.map(({ doneTasks }) => doneTasks).toSorted((a, b) => a - b),
    );
    const { implementation } = kernel().kernelInfo;
    const code = sqlForKernel('select 1 as `a.b`', { language: 'scala', implementation }, 10);
    const asking = run(kernel(), { code });
    expect(await asking.end).toMatchObject({ kind: 'ok' });
    const { data } = await asking.until('display');
    expect(data).toHaveProperty([SPARK_TABLE_MIME], expect.stringContaining('"columns":["a.b"]'));
    // As many statements as the code of one method does not hold; the first fails.
    const many = `select 1 +\n nope;${"set a.b='ü; 😀';".repeat(3_000)}`;
    const failing = run(kernel(), { code: sqlForKernel(many, { language: 'scala', implementation }, 10) });
    expect(await failing.end).toMatchObject({ kind: 'raised' });
    expect(JSON.stringify(failing.outputs)).toContain('UNRESOLVED_COLUMN');
    // A row of more characters than a table has room for.
    const sql = `select ${Array.from({ length: 250 }, (_, at) => `repeat('x', 9000) c${at}`).join()} from range(2)`;
    const wide = run(kernel(), { code: sqlForKernel(sql, { language: 'scala', implementation }, 10) });
    expect(await wide.end).toMatchObject({ kind: 'ok' });
    const table: unknown = JSON.parse(String((await wide.until('display')).data[SPARK_TABLE_MIME]));
    expect(table).toMatchObject({ rows: [expect.anything()], cut: true });
  });

  test('a comm that no plugin accepts is closed, and the next run has its own output', async () => {
    const { version } = kernel().kernelInfo;
    expect(version).toMatch(/^0\.5\./);
    expect(await kernel().openComm(MONITOR_TARGET)).toBe(false);
    const running = run(kernel(), { code: 'println("after")' });
    expect(await running.end).toMatchObject({ kind: 'ok' });
    expect(textOf(running.outputs)).toBe('after\n');
  });

  test('after an error, code without a value has the result null', async () => {
    await run(kernel(), { code: '1 / 0' }).end;
    const block = new ToreesNull();
    const printing = run(kernel(), { code: 'println("b")' });
    await printing.end;
    expect(kindsOf(printing.outputs).filter((kind) => kind === 'result')).toHaveLength(1);
    expect(printing.outputs.filter((output) => block.is(output))).toHaveLength(1);
  });

  test('traps 25, 26: a stop ends a sleep, and another stop a job right after', async () => {
    // Before the first use of Spark a stop ends nothing (protocol.md §3.6).
    expect(await run(kernel(), { code: 'sc.version' }).end).toMatchObject({ kind: 'ok' });
    const sleeping = await stopOnceItRuns(kernel(), 'println("in"); Thread.sleep(60000)');
    expect(sleeping.end).toMatchObject({ kind: 'interrupted' });
    const working = await stopOnceItRuns(
      kernel(),
      'println("in"); sc.parallelize(1 to 2).map { i => Thread.sleep(60000); i }.count()',
    );
    expect(working.end).toMatchObject({ kind: 'interrupted', variablesLost: false });
    expect(await run(kernel(), { code: '1 + 1' }).end).toMatchObject({ kind: 'ok' });
  });

  test('a restart while code runs ends the run, although this kernel does not announce it', async () => {
    const running = run(kernel(), { code: 'println("in"); Thread.sleep(60000)' });
    await running.until('stream');
    await gateway.restartKernel(kernel().kernelId);
    expect(await running.end).toMatchObject({ kind: 'kernelRestarted', variablesLost: true });
    const after = run(kernel(), { code: 'println("again")' });
    expect(await after.end).toMatchObject({ kind: 'ok' });
    expect(textOf(after.outputs)).toBe('again\n');
  });
});

describeKernel('python3-spark', (kernel) => {
  test('a count works over Spark Connect, and a stop cancels the job', async () => {
    const counting = run(kernel(), { code: 'sc.parallelize(range(10)).count()' });
    expect(await counting.end).toMatchObject({ kind: 'ok' });
    expect(await counting.until('result')).toMatchObject({ data: { 'text/plain': '10' } });
    const { end } = await stopOnceItRuns(
      kernel(),
      'import time\nprint("in", flush=True)\nsc.parallelize([1]).map(lambda x: time.sleep(60)).collect()',
    );
    expect(end).toMatchObject({ kind: 'interrupted', variablesLost: false });
    expect(await run(kernel(), { code: 'sc.parallelize(range(3)).count()' }).end).toMatchObject({
      kind: 'ok',
    });
  });
});
