import type { OutputView } from '../output-view.ts';
import { shortWithoutColours } from '../terminal/terminal-reader.ts';
import type { SentError } from './kernel-error.ts';

/** An error for which there may be a hint; `printed` is the end of stderr. All fields are bounded. */
interface HintedError {
  name: string;
  value: string;
  code: string | undefined;
  printed: string;
}

const PROSE_HINT =
  'This ran as code, but it reads like a sentence. The command help says what the bot can do.';

/** IPython takes a sentence that ends with a question mark for a request for help on its last word. */
export function questionHint(code: string, output: OutputView): string | undefined {
  // First, because the parts are made only when they are read.
  if (!readsAsProse(code)) return undefined;
  const { parts } = output;
  const [part] = parts.length === 1 ? parts : [];
  const said = part?.kind === 'text' ? part.text.head.trim() : '';
  return said.startsWith('Object `') && said.endsWith('` not found.') ? PROSE_HINT : undefined;
}

/** What to do about an error; undefined unless that is certain. */
export function hintFor({ name, value, code = '', printed }: HintedError): string | undefined {
  if (name === 'StdinNotImplementedError')
    return 'Nobody can be asked here: give the value in the code instead of input().';
  const module =
    /^No module named '([^']+)'/.exec(value)?.[1] ??
    /there is no package called .([^’'”"]+)/.exec(value)?.[1];
  if (module !== undefined) return `${module} is not installed where this kernel runs.`;
  if (
    (name === 'NameError' && /^name '(sc|spark|sqlContext)' is not defined$/.test(value)) ||
    /\bnot found: value (?:sc|spark|sqlContext)$/m.test(value)
  ) {
    return 'This kernel has no Spark session. Choose a language with Spark; "languages" lists them.';
  }
  if (value.includes('stable identifier required, but spark.'))
    return 'Here spark is a method: val session = spark; import session.implicits._';
  if (name === 'SyntaxError' && value.startsWith("Missing parentheses in call to 'print'")) {
    return 'This kernel runs Python 3; print without parentheses is Python 2.';
  }
  if (isSyntaxError(name, value) && readsAsProse(code)) return PROSE_HINT;
  const isQuote =
    (name === 'SyntaxError' && /invalid character '[“”‘’]'/.test(value)) ||
    /illegal character '\\u20(1[89cd])'/.test(value) ||
    (name === 'ERROR' && /unexpected (input|INCOMPLETE_STRING)[^]*\n\d+: .*[“”‘’]$/m.test(value));
  if (isQuote) return 'The code has curly quotes (“ ” ‘ ’); code needs straight ones (" \').';
  const isForeign =
    (name === 'SyntaxError' && value.startsWith('invalid') && value.includes('character')) ||
    value.includes('illegal character') ||
    (name === 'ERROR' && value.includes('unexpected input'));
  return isForeign ? invisibleHint(code) : argumentsHint(name, value, printed);
}

/** Whether it is a syntax error of Python, R or Scala. */
function isSyntaxError(name: string, value: string): boolean {
  return (
    name === 'SyntaxError' ||
    (name === 'ERROR' && /unexpected (symbol|input|string constant|numeric constant|',')/.test(value)) ||
    /error: ('?;'? expected|illegal start|unclosed)/.test(value)
  );
}

const LONGEST_PROSE = 1_000;
/** Keywords that begin a statement. */
const KEYWORD =
  /^\s*(?:import|from|print|def|class|return|raise|del|with|for|if|elif|else|while|try|except|assert|lambda|global|yield|val|var|object|library|function|select|show|describe|create|insert)\b/im;

/** Whether it is a few words without anything that code has: no call, assignment, index or statement. */
function readsAsProse(code: string): boolean {
  const text = code.trim();
  if (text.length > LONGEST_PROSE || !/\p{L}+[\s,]+\p{L}|^\p{L}+[!.]+$/u.test(text)) return false;
  return (
    /^[\p{L}\p{M}\p{N}\p{Emoji_Presentation}\s.,!?;:()'’"“”–—-]*$/u.test(text) &&
    !/\p{L}\(/u.test(text) &&
    !KEYWORD.test(text)
  );
}

/** Spaces and joiners that editors, web pages and phones insert and that no error shows. */
const INVISIBLE = /[\u00a0\u00ad\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]/u;

function invisibleHint(code: string): string | undefined {
  const lines = code.split('\n');
  const index = lines.findIndex((line) => INVISIBLE.test(line));
  const [found] = INVISIBLE.exec(lines[index] ?? '') ?? [];
  if (found === undefined) return undefined;
  const point = (found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `The code has an invisible character (U+${point}, line ${index + 1}). Type that space again.`;
}

/** A script that reads its command line gets the kernel's. */
function argumentsHint(name: string, value: string, printed: string): string | undefined {
  const isKernels = printed.includes('unrecognized arguments: ') && printed.includes('.json');
  return name === 'SystemExit' && value.trim() === '2' && isKernels
    ? 'The script read the kernel’s own command line. Give it yours: parse_args(["--name", "value"]), or parse_args([]).'
    : undefined;
}

/**
 * What an error reports as lost: the driver's JVM, the Spark Connect server, the context, the session, or memory of an
 * executor or of the driver.
 */
export type SparkLoss = 'driver' | 'server' | 'context' | 'session' | 'executorMemory' | 'driverMemory';

/** How much of a message, of a name and of a traceback's end is examined. */
const CHARS = 4_000;
const NAME_CHARS = 300;
const LINES = 50;

const DRIVER_GONE =
  /^(?:Answer from Java side is empty|An error occurred while trying to connect to the Java server|Error while (?:sending|receiving)|An error occurred while calling [\w.$:]{1,200}$)/;
const SESSION_STOPPED =
  /stopped SparkContext|SparkContext (?:was|has been|is) (?:shut ?down|stopped)|SparkSession (?:was|has been|is) (?:closed|stopped)|SESSION_CLOSED|SESSION_NOT_FOUND|SESSION_CHANGED|NO_ACTIVE_SESSION/;
/** What Spark 4 finds null where its context was stopped. */
const OF_NULL =
  /"org\.apache\.spark\.(?:SparkContext\.dagScheduler|SparkEnv\$\.get)\(\)" is null|No active or default Spark session found/;
/** A stopped PySpark context has no Java object. */
const OF_NONE = /^'NoneType' object has no attribute '\w{1,100}'$/;
const EXECUTOR_MEMORY =
  /Container killed by YARN for exceeding|OOMKilled|ExecutorLostFailure[^\n]{0,300}(?:exit(?:ed with)? code:? (?:52|137)|[Mm]emory)/;

/** Undefined for other errors. */
export function readSparkLoss({ name: sentName, value, traceback }: SentError): SparkLoss | undefined {
  const name = sentName.slice(0, NAME_CHARS);
  // Our own code for SQL puts the position of the statement first.
  const message = value.slice(0, CHARS).replace(/^In the SQL statement at [^\n]{1,60}\n/, '');
  const frames = traceback.slice(-LINES).map((line) => line.slice(-CHARS));
  const isSql = value.startsWith('In the SQL');
  const isPy4j = isSql || frames.some((line) => line.includes('py4j'));
  const isCut = /^(?:Connection(?:Refused|Reset)Error|BrokenPipeError)$/.test(name);
  if (name === 'Py4JNetworkError' || (isCut && isPy4j)) return 'driver';
  if (name.startsWith('Py4J') && DRIVER_GONE.test(message)) return 'driver';
  if (name.startsWith('SparkConnect') && message.includes('StatusCode.UNAVAILABLE')) return 'server';
  if (SESSION_STOPPED.test(message)) return 'session';
  const isOfContext = (): boolean =>
    isSql || frames.some((line) => shortWithoutColours(line).includes('._jsc.'));
  if (OF_NULL.test(message) || (OF_NONE.test(message) && isOfContext())) return 'context';
  if (EXECUTOR_MEMORY.test(message)) return 'executorMemory';
  if (!message.includes('java.lang.OutOfMemoryError') && !name.endsWith('OutOfMemoryError')) return undefined;
  return message.includes('stage failure') ? 'executorMemory' : 'driverMemory';
}

export const DRIVER_HEADLINE = 'The Spark driver is gone: its JVM ended under the kernel.';

/** Replaces messages that name only the broken connection or a missing attribute. */
export const LOSS_HEADLINES: Readonly<Partial<Record<SparkLoss, string>>> = {
  driver: DRIVER_HEADLINE,
  server: 'The Spark Connect server is away: nothing answers at its address.',
  context: 'The SparkContext of this kernel was stopped.',
};

const SESSION_HINT =
  'The Spark session of this kernel was stopped. Make a new one in code (SparkSession.builder.getOrCreate()), or restart the kernel.';

/** What to do about it. */
export const LOSS_HINTS: Readonly<Record<SparkLoss, string>> = {
  driver:
    'Often its memory ran out. Python still runs, and Spark can no longer be reached from it: restart the kernel (its variables are lost).',
  server:
    'Python still runs. Once the server is back, make a new session in code (SparkSession.builder.remote(…).getOrCreate()); what the old one held is gone if it was restarted.',
  context: SESSION_HINT,
  session: SESSION_HINT,
  executorMemory:
    'An executor ran out of memory. Use smaller pieces (more partitions, fewer columns), or give executors more (spark.executor.memory, spark.executor.memoryOverhead).',
  driverMemory:
    'Spark’s driver ran out of memory. Fetch fewer rows (limit, take), or give it more (spark.driver.memory, before the session starts).',
};
