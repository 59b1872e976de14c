import {
  isDecodable,
  jsonEnvironment,
  jsonObject,
  matching,
  orWord,
  oneOf,
  pairs,
  readAs,
  size,
  span,
  waitingTime,
  wholeNumber,
  optional,
  withDefault,
} from '../parsers.ts';

/** Scala and R count rows in 32 bits, and not even a tenth of this fits into a message. */
export const MAX_ROWS = 1_000_000;

const word = matching(/^\S+$/, 'one word');

export const runFields = {
  LANGUAGES: optional(pairs, {
    example: 'python2=python2-spark21,scala=scala-spark21',
    description: 'Your own words for the gateway’s kernelspecs.',
  }),
  DEFAULT_LANGUAGE: optional(word, {
    example: 'python2',
    description: 'The language of a channel that has chosen none. By default the gateway’s own default.',
  }),
  AUTO_RUN: withDefault(oneOf(['mention', 'all']), 'mention', {
    example: 'all',
    description:
      'Whether a message that is a single code block runs without a mention (all), in channels that have not chosen.',
  }),
  EDIT_WINDOW: withDefault(waitingTime, '10m', {
    example: '30m',
    description: 'How long after a message an edit of it runs the code again.',
  }),
  RUN_TIMEOUT: withDefault(orWord('none', undefined, waitingTime), 'none', {
    example: '1h',
    description: 'A run longer than this is stopped.',
  }),
  INPUT_TIMEOUT: withDefault(waitingTime, '10m', {
    example: '5m',
    description: 'A run whose input() is not answered for this long is interrupted.',
  }),
  NOTIFY_AFTER: withDefault(orWord('none', undefined, span), '60s', {
    example: '10m',
    description:
      'A run that took longer ends with a reply that names its requester, because edits notify nobody. none: never.',
  }),
  RESULT_REACTIONS: withDefault(oneOf(['on', 'off']), 'on', {
    example: 'off',
    description:
      'Whether the channel sees at a glance how a run ended: on the bot’s own message, or as a reaction on a person’s.',
  }),
  SQL_ROWS: withDefault(wholeNumber(1, MAX_ROWS), '1000', {
    example: '5000',
    description:
      'The maximum number of rows of a SQL result that are fetched from Spark. They are shown as a table, and all of them are in the CSV.',
  }),
  MAX_CODE: withDefault(size, '1MB', {
    example: '2MB',
    description:
      'How much code one run may have, all blocks and files together. A single block may have at most 9 MiB.',
  }),
  MAX_OUTPUT: withDefault(size, '100MB', {
    example: '500MB',
    description: 'How much output of one run is kept and attached.',
  }),
  MAX_MESSAGE: withDefault(size, '32MB', {
    example: '64MB',
    description: 'The largest message that is accepted from a kernel.',
  }),
  QUEUE_LIMIT: withDefault(wholeNumber(1), '20', {
    example: '50',
    description: 'Unfinished runs per kernel.',
  }),
  USER_LIMIT: withDefault(wholeNumber(1), '5', { example: '10', description: 'Unfinished runs per person.' }),
  KEEP_RUNS: withDefault(orWord('none', undefined, span), '30d', {
    example: '7d',
    description: 'How long code and the state of answers are kept before they are erased. none: for ever.',
  }),
};

export const kernelFields = {
  KERNEL_USERNAME: optional(
    readAs('a name in which only {channel} and {user} stand in braces', (given) =>
      /[{}]/.test(given.replaceAll(/\{(channel|user)\}/g, '')) ? undefined : given,
    ),
    {
      example: 'spark-{channel}',
      description:
        'The user for whom the gateway starts a kernel. {channel} becomes the channel’s id; {user} becomes the Slack user id in direct messages, and the channel’s id elsewhere.',
    },
  ),
  KERNEL_ENV: withDefault(jsonEnvironment, '{}', {
    example: '{"KERNEL_QUEUE":"adhoc"}',
    description:
      'The environment a kernel is started with, as JSON. Never put a secret here: gateways can leak it into another kernel.',
  }),
  KERNEL_BODY: optional(jsonObject, {
    example: '{"engine":{"size":{"num_workers":2}}}',
    description:
      'What the request for a kernel contains beside name, kernel_id and env, as JSON, because some platforms need more. Never put a secret here.',
  }),
  KERNEL_LAUNCH_TIMEOUT: withDefault(waitingTime, '120s', {
    example: '5m',
    description: 'How long a kernel may take to start.',
  }),
  START_CONCURRENCY: withDefault(wholeNumber(1), '1', {
    example: '1',
    description:
      'How many kernels are started at the same time. Use more than 1 only if the gateway keeps the environments of two starts apart.',
  }),
  KERNELS_PER_CHANNEL: withDefault(
    readAs('1 or several', (given) =>
      /^(several|0*[1-9]\d*)$/i.test(given) ? Number(given) !== 1 : undefined,
    ),
    '1',
    {
      example: 'several',
      description:
        '1: one kernel for each channel. several: one for each kernelspec in a channel. A larger number means several.',
    },
  ),
  KERNELS_PER_USER: withDefault(orWord('none', undefined, wholeNumber(1)), 'none', {
    example: '3',
    description:
      'How many living kernels one person’s snippets may have started, over all channels. A snippet that would start one more is refused. none: no limit.',
  }),
  IDLE_TIMEOUT: withDefault(orWord('none', undefined, waitingTime), '12h', {
    example: '2h',
    description: 'A kernel that is idle for this long is shut down, after a warning. none: never.',
  }),
};

const template = (given: string): string | undefined => {
  const example = given.replaceAll('{appId}', 'app').replaceAll('{jobId}', '1');
  const isAddress = /^https?:\/\//i.test(given) && !/[\s{}<>|]/.test(example) && URL.canParse(example);
  return isAddress ? given : undefined;
};

/** The API's paths are appended to it. Its host has no placeholder, so that it is known whether it is reached by a proxy. */
const apiRoot = (given: string): string | undefined => {
  if (template(given) === undefined || /[?#]|\{jobId\}/.test(given)) return undefined;
  const url = new URL(given);
  return isDecodable(url) && !/[{}]/.test(url.host) ? given : undefined;
};

export const sparkFields = {
  SPARK_PROGRESS: withDefault(oneOf(['auto', 'console', 'off', 'all']), 'auto', {
    example: 'console',
    description:
      'How a running answer learns how far its Spark jobs are. auto: a small observer in Python kernels tells it, which defines and prints nothing there; in Toree its own plugin (SparkMonitor, 0.6 and later), where it is installed and SPARK_STATUS_URL is not set. console: Spark’s own console bar tells it, in any kernel, and is left out of the output. off: no line, and the bar stays in the output. all: as auto, but in Scala kernels (Toree, almond) a thread asks Spark twice a second.',
  }),
  SPARK_UI_URL: optional(
    readAs('off, or an http address with {appId} and {jobId} in it', (given) =>
      given.toLowerCase() === 'off' ? 'off' : template(given),
    ),
    {
      example: 'https://rm.example.com/proxy/{appId}/',
      description:
        'Where a browser finds the Spark UI of an application. By default it is the address that Spark itself gives, if a browser outside the cluster can open it. off: no link.',
    },
  ),
  SPARK_HISTORY_URL: optional(readAs('an http address with {appId} and {jobId} in it', template), {
    example: 'https://history.example.com/history/{appId}/jobs/',
    description: 'The same for a kernel that is gone, whose driver served the UI.',
  }),
  SPARK_STATUS_URL: optional(
    readAs('the http address of a Spark REST API with {appId} or without, and no query', apiRoot),
    {
      secret: true,
      example: 'http://driver.example.com:4040/api/v1',
      description:
        'The root of Spark’s REST API (of a driver’s UI, YARN’s proxy or a history server): while a run of a kernel without the observer (R, Scala unless SPARK_PROGRESS=all, every one with console) lasts over a second, its jobs are asked for there. Of the running applications the one with the kernel’s id in its name counts, as Enterprise Gateway names them, else the newest. https://rm.example.com/proxy/{appId}/api/v1: YARN is asked for the id, by that name alone. A user and a password may stand before the host.',
    },
  ),
  SHOW_DATAFRAMES: withDefault(orWord('off', 0, wholeNumber(1, MAX_ROWS)), 'off', {
    example: '50',
    description:
      'How many rows of a Spark DataFrame are shown as a table if it is the result of Python code. Each such result costs a Spark job. off: its short form is shown, and only display(df) shows a table.',
  }),
};
