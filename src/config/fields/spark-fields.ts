import { optional, withDefault } from '../setting.ts';
import { offOrWholeNumber, oneOf, readAs } from '../parsers.ts';

const template = (given: string): string | undefined => {
  const example = given.replaceAll('{appId}', 'app').replaceAll('{jobId}', '1');
  const isAddress = /^https?:\/\//i.test(given) && !/[\s{}<>|]/.test(example) && URL.canParse(example);
  return isAddress ? given : undefined;
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
  SHOW_DATAFRAMES: withDefault(offOrWholeNumber(1), 'off', {
    example: '50',
    description:
      'How many rows are shown of a Spark DataFrame that is the result of Python code, as a table. off: its own short form, as display(df) alone asks for a table. It costs a Spark job for each such result.',
  }),
};
