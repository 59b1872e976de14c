import { optional, withDefault } from '../setting.ts';
import { MAX_ROWS } from './run-fields.ts';
import { isDecodable, offOrWholeNumber, oneOf, readAs } from '../parsers.ts';

const template = (given: string): string | undefined => {
  const example = given.replaceAll('{appId}', 'app').replaceAll('{jobId}', '1');
  const isAddress = /^https?:\/\//i.test(given) && !/[\s{}<>|]/.test(example) && URL.canParse(example);
  return isAddress ? given : undefined;
};

/** The paths of the API are put behind it; its host is one, so that whether a proxy is on the way is known. */
const apiRoot = (given: string): string | undefined => {
  if (template(given) === undefined || /[?#]|\{jobId\}/.test(given)) return undefined;
  const url = new URL(given);
  return isDecodable(url) && !/[{}]/.test(url.host) ? given : undefined;
};

export const sparkFields = {
  SPARK_PROGRESS: withDefault(oneOf(['auto', 'console', 'off']), 'auto', {
    example: 'console',
    description:
      'How a running answer learns how far its Spark jobs are. auto: a small observer in Python kernels tells it; it defines and prints nothing there. console: Spark’s own console bar tells it, in any kernel, and is left out of the output. off: no line, and the bar stays in the output.',
  }),
  SPARK_UI_URL: optional(
    readAs('off, or an http address with {appId} and {jobId} in it', (given) =>
      given.toLowerCase() === 'off' ? 'off' : template(given),
    ),
    {
      example: 'https://rm.example.com/proxy/{appId}/',
      description:
        'Where a browser finds the Spark UI of an application. By default what Spark itself says, where a browser outside the cluster can open it. off: no link.',
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
        'The root of Spark’s REST API (of a driver’s UI, YARN’s proxy or a history server): while a run of a kernel without the observer (Scala, R, SPARK_PROGRESS=console) lasts over a second, its jobs are asked for there. Of the running applications the one with the kernel’s id in its name counts, as Enterprise Gateway names them, else the newest. https://rm.example.com/proxy/{appId}/api/v1: YARN is asked for the id, by that name alone. A user and a password may stand before the host.',
    },
  ),
  SHOW_DATAFRAMES: withDefault(offOrWholeNumber(1, MAX_ROWS), 'off', {
    example: '50',
    description:
      'How many rows are shown of a Spark DataFrame that is the result of Python code, as a table. off: its own short form, as display(df) alone asks for a table. It costs a Spark job for each such result.',
  }),
};
