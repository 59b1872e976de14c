import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { SparkObserver, type SparkProgress } from '../../../../src/runs/session/spark-observer.ts';
import { observeScala, PUT_IN, stopScala } from '../../../../src/spark/read-observer.ts';
import { showFrames } from '../../../../src/spark/sql/python.ts';
import { useUtf8 } from '../../../../src/spark/use-utf8.ts';
import { startConnectedRig, withoutLooks } from '../../../support/gateway-client.ts';
import type { ScriptedKernel, ScriptMessage } from '../../../support/scripted-gateway.ts';

const settings = (progress: SparkProgress) => ({
  progress,
  uiUrl: undefined,
  historyUrl: undefined,
  sqlRows: 1_000,
  resultRows: 50,
});
const requests = (kernel: ScriptedKernel): ScriptMessage[] =>
  kernel.received.filter(({ header }) => header.msg_type === 'execute_request');
const says = (kernel: ScriptedKernel, request: ScriptMessage, data: object): void =>
  void kernel.send('comm_msg', { comm_id: 'sparkthread.spark', data }, { parent: request });

test('it goes into a Python kernel once, silently', async () => {
  await using rig = await startConnectedRig();
  const observer = new SparkObserver(settings('auto'), silentLog);
  await observer.install(rig.connection);
  await observer.install(rig.connection);
  expect(requests(rig.kernel)).toHaveLength(1);
  const [request] = requests(rig.kernel);
  expect(request?.content).toMatchObject({ silent: true, store_history: false, allow_stdin: false });
  expect(request?.content['code']).toContain('_sparkthread');
});

test.each(['ipython', 'IRkernel'])(
  'a new process of %s gets the code again, also while it starts',
  async (name) => {
    await using rig = await startConnectedRig({
      timings: withoutLooks,
      prepare: (kernel) => {
        kernel.implementation = name;
      },
    });
    const observer = new SparkObserver(settings('auto'), silentLog);
    await observer.install(rig.connection);
    rig.kernel.onRestart = () => rig.kernel.comeUp();
    await rig.gateway.restartKernel(rig.kernel.id);
    expect(rig.connection.process).toBe('');
    await observer.install(rig.connection);
    await observer.install(rig.connection);
    expect(requests(rig.kernel)).toHaveLength(2);
  },
);

test('the code that shows frames is installed with the observer, or alone without one', async () => {
  const sent = async (progress: SparkProgress): Promise<unknown[]> => {
    await using rig = await startConnectedRig();
    const observer = new SparkObserver(settings(progress), silentLog);
    await observer.install(rig.connection);
    await observer.install(rig.connection);
    return requests(rig.kernel).map(({ content }) => content['code']);
  };
  const frames = showFrames({ asked: 1_000, result: 50 });
  expect(await sent('auto')).toEqual([`(${frames}, ${PUT_IN})`]);
  expect(await sent('console')).toEqual([frames]);
  expect(await sent('off')).toEqual([frames]);
});

test('a kernel other than IPython gets only the UTF-8 setting, where its locale would damage text', async () => {
  const sent = async (implementation: string): Promise<unknown[]> => {
    await using rig = await startConnectedRig({
      timings: withoutLooks,
      prepare: (kernel) => {
        kernel.implementation = implementation;
      },
    });
    const observer = new SparkObserver(settings('auto'), silentLog);
    await observer.install(rig.connection);
    await observer.install(rig.connection);
    return requests(rig.kernel).map(({ content }) => content['code']);
  };
  expect(await sent('xpython')).toEqual([]);
  expect(await sent('IRkernel')).toEqual([expect.stringContaining('Sys.setlocale("LC_CTYPE", name)')]);
  expect(await sent('spark')).toEqual([expect.stringContaining('StandardCharsets.UTF_8')]);
});

test('a Scala kernel gets the observer once, if configured; a stop ends the jobs that its interrupt does not end', async () => {
  const sent = async (implementation: string, progress: SparkProgress): Promise<unknown[]> => {
    await using rig = await startConnectedRig({
      timings: withoutLooks,
      prepare: (kernel) => {
        kernel.implementation = implementation;
      },
    });
    const observer = new SparkObserver(settings(progress), silentLog);
    await observer.install(rig.connection);
    await observer.install(rig.connection);
    await observer.endJobs(rig.connection, 'request-1', 2_000);
    return requests(rig.kernel).map(({ content }) => content['code']);
  };
  const utf8 = useUtf8('Apache Toree');
  expect(await sent('spark', 'all')).toEqual([`${utf8}\n${observeScala('Apache Toree')}`]);
  expect(await sent('spark', 'auto')).toEqual([utf8]);
  expect(await sent('almond', 'all')).toEqual([observeScala('almond'), stopScala('almond', 2_500)]);
  expect(await sent('almond', 'auto')).toEqual([]);
});

test('Toree’s own plugin is asked once, where nothing else tells of its jobs, and waited for', async () => {
  const opened = async (
    progress: SparkProgress,
    implementation = 'spark',
    url = '',
    version = '',
  ): Promise<unknown[]> => {
    await using rig = await startConnectedRig({
      timings: withoutLooks,
      prepare: (kernel) => {
        kernel.implementation = implementation;
        kernel.implementationVersion = version;
      },
    });
    const status = url === '' ? undefined : { url };
    const observer = new SparkObserver({ ...settings(progress), status }, silentLog);
    await observer.install(rig.connection);
    await observer.install(rig.connection);
    return rig.kernel.received
      .filter(({ header }) => header.msg_type === 'comm_open')
      .map(({ content }) => content['target_name']);
  };
  expect(await opened('auto')).toEqual(['SparkMonitor']);
  expect(await opened('auto', 'spark', '', '0.6.0-incubating')).toEqual(['SparkMonitor']);
  expect(await opened('auto', 'spark', '', '0.5.0-incubating')).toEqual([]);
  expect(await opened('all')).toEqual([]);
  expect(await opened('console')).toEqual([]);
  expect(await opened('auto', 'spark', 'http://127.0.0.1:9/api/v1')).toEqual([]);
  expect(await opened('auto', 'ipython')).toEqual([]);

  await using rig = await startConnectedRig({
    prepare: (kernel) => {
      kernel.implementation = 'spark';
    },
  });
  const asked = Promise.withResolvers<ScriptMessage>();
  rig.kernel.onCommOpen = asked.resolve;
  let isIn = false;
  const putting = new SparkObserver(settings('auto'), silentLog).install(rig.connection).then(() => {
    isIn = true;
  });
  const request = await asked.promise;
  // What is sent before its answer would be taken for the comm's.
  expect(isIn).toBe(false);
  rig.kernel.takeComm(request);
  await putting;
});

test('a kernel that works for another client is left alone', async () => {
  await using rig = await startConnectedRig();
  const foreign = { ...(await rig.kernel.untilReceived('kernel_info_request')) };
  foreign.header = { ...foreign.header, msg_id: 'theirs', msg_type: 'execute_request', session: 'theirs' };
  rig.kernel.status('busy', foreign);
  await expect.poll(() => rig.connection.isBusyElsewhere).toBe(true);
  const observer = new SparkObserver(settings('auto'), silentLog);
  await observer.install(rig.connection);
  expect(requests(rig.kernel)).toEqual([]);
  // Its first cell brings along what `%%sql` is, as a literal; other code is left as it was typed.
  const code = observer.codeFor('%%sql select "a",\n2 as b', rig.connection);
  expect(code).toContain(showFrames({ asked: 1_000, result: 50 }));
  expect(code).toContain('run_cell_magic("sql", u"select \\"a\\",", u"2 as b")');
  for (const other of ['1', '%%sqlite\nselect 1', ' %%sql\nselect 1'])
    expect(observer.codeFor(other, rig.connection)).toBe(other);
  rig.kernel.status('idle', foreign);
  await expect.poll(() => rig.connection.isBusyElsewhere).toBe(false);
  await observer.install(rig.connection);
  expect(requests(rig.kernel)).toHaveLength(1);
  expect(observer.codeFor('%%sql\nselect 1', rig.connection)).toBe('%%sql\nselect 1');
});

test('a stop ends the jobs of its request and returns the kernel’s answer', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.onSilent = (request) => {
    const { kernel } = rig;
    kernel.begin(request);
    says(kernel, request, { v: 1, stopped: 'all operations' });
    kernel.end(request);
  };
  const observer = new SparkObserver(settings('console'), silentLog);
  expect(await observer.endJobs(rig.connection, 'request-1', 2_000)).toBe('all operations');
  expect(requests(rig.kernel)[0]?.content['code']).toContain('.stop("request-1", 2.5)');
});

test('a connection that is closed meanwhile ends the wait', async () => {
  await using rig = await startConnectedRig();
  rig.kernel.onSilent = () => undefined;
  const ending = new SparkObserver(settings('auto'), silentLog).endJobs(rig.connection, 'request-1', 1);
  await rig.kernel.untilReceived('execute_request');
  await rig.connection.close();
  await expect(ending).resolves.toBeUndefined();
});
