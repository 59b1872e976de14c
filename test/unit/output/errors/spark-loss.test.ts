import { expect, test } from 'vitest';
import { readSparkLoss } from '../../../../src/output/errors/hints.ts';
import { readError } from '../../../../src/output/errors/read-error.ts';

const inPy4j = ['File /x/py4j/clientserver.py:503, in send_command'];
const job =
  'An error occurred while calling o40.count.\n: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 1.0 failed 4 times, most recent failure: Lost task 0.3 in stage 1.0 (TID 3) (host executor 2): ';

test.each([
  ['Py4JNetworkError', 'Answer from Java side is empty', [], 'driver'],
  ['ConnectionRefusedError', '[Errno 111] Connection refused', inPy4j, 'driver'],
  ['Py4JError', 'An error occurred while calling o27.sql', [], 'driver'],
  [
    'ConnectionRefusedError',
    'In the SQL statement at line 1, column 1:\n[Errno 111] Connection refused',
    [],
    'driver',
  ],
  [
    'Py4JJavaError',
    'An error occurred while calling o27.sql.\n: java.lang.IllegalStateException: Cannot call methods on a stopped SparkContext.',
    [],
    'session',
  ],
  [
    'AttributeError',
    "In the SQL statement at line 1, column 1:\n'NoneType' object has no attribute 'setCallSite'",
    [],
    'context',
  ],
  [
    'AttributeError',
    "'NoneType' object has no attribute 'textFile'",
    ['--> 926     self._jsc.textFile(name, minPartitions), self, UTF8Deserializer()'],
    'context',
  ],
  [
    'AttributeError',
    "'NoneType' object has no attribute 'broadcast'",
    [
      '--> 135 \u001b[38;5;28mself\u001b[39m._jbroadcast = sc\u001b[38;5;241m.\u001b[39m_jsc\u001b[38;5;241m.\u001b[39mbroadcast(…)',
    ],
    'context',
  ],
  ['AttributeError', "'NoneType' object has no attribute 'textFile'", ['----> 1 x.textFile()'], undefined],
  ['java.lang.IllegalStateException', 'SparkContext has been shutdown', [], 'session'],
  [
    'Py4JJavaError',
    'An error occurred while calling o63.load.\n: org.apache.spark.SparkException: [INTERNAL_ERROR] No active or default Spark session found SQLSTATE: XX000',
    [],
    'context',
  ],
  // Of Spark Connect.
  ['SparkConnectException', '[NO_ACTIVE_SESSION] No active Spark session found.', [], 'session'],
  [
    'SparkConnectGrpcException',
    '<_MultiThreadedRendezvous of RPC that terminated with:\n\tstatus = StatusCode.UNAVAILABLE\n\tdetails = "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:15902: Failed to connect to remote host: Connection refused"\n>',
    [],
    'server',
  ],
  [
    'SparkConnectGrpcException',
    'In the SQL statement at line 1, column 1:\n<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.UNAVAILABLE',
    [],
    'server',
  ],
  ['RuntimeError', 'StatusCode.UNAVAILABLE', [], undefined],
  [
    'Py4JJavaError',
    `${job}ExecutorLostFailure (executor 2 exited caused by one of the running tasks) Reason: Container killed by YARN for exceeding memory limits. 5.5 GB of 5.5 GB physical memory used.`,
    [],
    'executorMemory',
  ],
  ['Py4JJavaError', `${job}java.lang.OutOfMemoryError: Java heap space`, [], 'executorMemory'],
  [
    'Py4JJavaError',
    `${job}ExecutorLostFailure (executor 2 exited caused by one of the running tasks) Reason: Command exited with code 52`,
    [],
    'executorMemory',
  ],
  [
    'Py4JJavaError',
    'An error occurred while calling o40.collectToPython.\n: java.lang.OutOfMemoryError: Java heap space',
    [],
    'driverMemory',
  ],
  ['ConnectionRefusedError', '[Errno 111] Connection refused', ['File /x/requests/api.py'], undefined],
  ['ValueError', 'Answer from Java side is empty', [], undefined],
  [
    'Py4JJavaError',
    'An error occurred while calling o27.sql.\n: java.lang.ArithmeticException: / by zero',
    [],
    undefined,
  ],
])('%s: %s', (name, value, traceback, loss) => {
  expect(readSparkLoss({ name, value, traceback })).toBe(loss);
});

test.each([
  [
    '"org.apache.spark.scheduler.DAGScheduler.cleanupQueryJobs(long)"',
    'SparkContext.dagScheduler',
    'context',
  ],
  ['"org.apache.spark.SparkEnv.rpcEnv()"', 'SparkEnv$.get', 'context'],
  ['"String.length()"', 'sql.Row.name', undefined],
])('Spark 4 finds no context where it calls %s', (called, of, loss) => {
  const value = `An error occurred while calling o40.count.\n: java.lang.NullPointerException: Cannot invoke ${called} because the return value of "org.apache.spark.${of}()" is null\n\tat org.apache.spark`;
  expect(readSparkLoss({ name: 'Py4JJavaError', value, traceback: [] })).toBe(loss);
});

test('a stopped context that PySpark does not find is explained', () => {
  const value = "'NoneType' object has no attribute 'sc'";
  const read = readError(
    { name: 'AttributeError', value, traceback: ['self._jsc.sc()', value] },
    'sc.range(3).sum()',
  );
  expect(read).toMatchObject({
    headline: 'The SparkContext of this kernel was stopped.',
    userLine: 'line 1: sc.range(3).sum()',
    hint: expect.stringContaining('Make a new one'),
  });
});

test('a lost driver is explained with what to do, and its traceback is in the file', () => {
  const traceback = [
    'File /x/py4j/java_gateway.py:1 in f',
    'ConnectionRefusedError: [Errno 111] Connection refused',
  ];
  const read = readError(
    { name: 'ConnectionRefusedError', value: '[Errno 111] Connection refused', traceback },
    'sc.range(3).sum()',
  );
  expect(read).toMatchObject({
    headline: 'The Spark driver is gone: its JVM ended under the kernel.',
    userLine: 'line 1: sc.range(3).sum()',
    traceback: '',
    isFolded: true,
  });
  expect(read.hint).toContain('restart the kernel');
  expect(read.whole).toContain('java_gateway.py');
});
