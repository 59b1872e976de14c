import { withDefault } from '../setting.ts';
import { oneOf } from '../parsers.ts';

export const sparkFields = {
  SPARK_PROGRESS: withDefault(oneOf(['console', 'off']), 'console', {
    example: 'off',
    description:
      'Whether a running answer shows how far its Spark jobs are. console: as far as Spark’s own console bar tells, which is then left out of the output. off: the bar stays in the output.',
  }),
};
