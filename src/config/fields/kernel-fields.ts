import { optional, withDefault } from '../setting.ts';
import {
  jsonEnvironment,
  jsonObject,
  readAs,
  waitingTime,
  waitingTimeOrNone,
  wholeNumber,
  wholeNumberOrNone,
} from '../parsers.ts';

export const kernelFields = {
  KERNEL_USERNAME: optional(
    readAs('a name in which only {channel} and {user} stand in braces', (given) =>
      /[{}]/.test(given.replaceAll(/\{(channel|user)\}/g, '')) ? undefined : given,
    ),
    {
      example: 'spark-{channel}',
      description:
        'For whom the gateway starts a kernel. {channel} stands for the channel’s id; {user}, the Slack user id, only in direct messages.',
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
      'What a start’s request holds beside name, kernel_id and env, as JSON: some platforms want more. Never put a secret here.',
  }),
  KERNEL_LAUNCH_TIMEOUT: withDefault(waitingTime, '120s', {
    example: '5m',
    description: 'How long a kernel may take to start.',
  }),
  START_CONCURRENCY: withDefault(wholeNumber(1), '1', {
    example: '1',
    description:
      'Kernels started at once. More than 1 only where the gateway keeps the environments of two starts apart.',
  }),
  KERNELS_PER_CHANNEL: withDefault(
    readAs('1 or several', (given) => {
      if (/^(several|0*[1-9]\d*)$/i.test(given)) return Number(given) === 1 ? 'one' : 'several';
      return undefined;
    }),
    '1',
    {
      example: 'several',
      description:
        '1, or several: kernels side by side in one channel, one for each kernelspec. A larger number counts as several.',
    },
  ),
  KERNELS_PER_USER: withDefault(wholeNumberOrNone(1), 'none', {
    example: '3',
    description:
      'Kernels that one person’s snippets started and that still live, over all channels. A snippet that would start one more is refused. none: no limit.',
  }),
  IDLE_TIMEOUT: withDefault(waitingTimeOrNone, '12h', {
    example: '2h',
    description: 'A kernel idle for so long is shut down, after a warning. none: never.',
  }),
};
