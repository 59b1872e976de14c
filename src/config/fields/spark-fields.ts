import { withDefault } from '../setting.ts';
import { oneOf } from '../parsers.ts';

export const sparkFields = {
  SPARK_PROGRESS: withDefault(oneOf(['auto', 'console', 'off']), 'console', {
    example: 'auto',
    description:
      'How a running answer learns how far its Spark jobs are. auto: a small observer in Python kernels tells it; it defines and prints nothing there. console: Spark’s own console bar tells it, in any kernel, and is left out of the output. off: no line, and the bar stays in the output.',
  }),
};
