/** What of Spark an error says is lost: its driver's JVM, the session, or memory where the code or its tasks run. */
export type SparkLoss = 'driver' | 'session' | 'executorMemory' | 'driverMemory';

/** So much of a message is looked at, and of a traceback's end. */
const CHARS = 4_000;
const NAME_CHARS = 300;
const LINES = 50;

const DRIVER_GONE =
  /^(?:Answer from Java side is empty|An error occurred while trying to connect to the Java server|Error while (?:sending|receiving)|An error occurred while calling [\w.$:]{1,200}$)/;
const SESSION_STOPPED =
  /stopped SparkContext|SparkContext (?:was|has been|is) (?:shut ?down|stopped)|SparkSession (?:was|has been|is) (?:closed|stopped)|SparkContext was shut down|SESSION_CLOSED|^'NoneType' object has no attribute '(?:sc|setCallSite)'$/;
const EXECUTOR_MEMORY =
  /Container killed by YARN for exceeding|OOMKilled|ExecutorLostFailure[^\n]{0,300}(?:exit code:? 137|[Mm]emory)/;

/** As a kernel sends it. */
interface SentError {
  name: string;
  value: string;
  traceback: readonly string[];
}

/** Undefined for every other error. */
export function readSparkLoss({ name: sentName, value, traceback }: SentError): SparkLoss | undefined {
  const name = sentName.slice(0, NAME_CHARS);
  // Our own code for SQL says first where it is.
  const message = value.slice(0, CHARS).replace(/^In the SQL statement at [^\n]{1,60}\n/, '');
  const isPy4j =
    value.startsWith('In the SQL') ||
    traceback.slice(-LINES).some((line) => line.slice(-CHARS).includes('py4j'));
  const isCut = /^(?:Connection(?:Refused|Reset)Error|BrokenPipeError)$/.test(name);
  if (name === 'Py4JNetworkError' || (isCut && isPy4j)) return 'driver';
  if (name.startsWith('Py4J') && DRIVER_GONE.test(message)) return 'driver';
  if (SESSION_STOPPED.test(message)) return 'session';
  if (EXECUTOR_MEMORY.test(message)) return 'executorMemory';
  if (!message.includes('java.lang.OutOfMemoryError') && !name.endsWith('OutOfMemoryError')) return undefined;
  return message.includes('stage failure') ? 'executorMemory' : 'driverMemory';
}

/** Said in place of a message that names the broken connection alone. */
export const DRIVER_HEADLINE = 'The Spark driver is gone: its JVM ended under the kernel.';

/** What to do. */
export const LOSS_HINTS: Readonly<Record<SparkLoss, string>> = {
  driver:
    'Often its memory ran out. Python still runs, and Spark can no longer be reached from it: restart the kernel (its variables are lost).',
  session:
    'The Spark session of this kernel was stopped. Make a new one in code (SparkSession.builder.getOrCreate()), or restart the kernel.',
  executorMemory:
    'An executor ran out of memory. Use smaller pieces (more partitions, fewer columns), or give executors more (spark.executor.memory, spark.executor.memoryOverhead).',
  driverMemory:
    'Spark’s driver ran out of memory. Fetch fewer rows (limit, take), or give it more (spark.driver.memory, before the session starts).',
};
