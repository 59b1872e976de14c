import type { Kernelspec, Kernelspecs } from '../../src/gateway/gateway.ts';
import type { LanguageContext } from '../../src/runs/languages/languages.ts';

function spec(name: string, displayName: string, language: string): Kernelspec {
  return { name, displayName, language };
}

/** The kernelspecs of an IBM Analytics Engine cluster of 2019, with a plain Python 3 beside them. */
export const cluster: Kernelspecs = {
  default: 'python3',
  list: [
    spec('python2-spark21', 'Python 2.7 with Spark 2.1', 'python'),
    spec('python3', 'Python 3 (ipykernel)', 'python'),
    spec('python3-spark', 'Python 3 with Spark', 'python'),
    spec('scala-spark21', 'Scala 2.11 with Spark 2.1', 'scala'),
    spec('ir', 'R', 'R'),
  ],
};

export function languagesOf(change: Partial<LanguageContext> = {}): LanguageContext {
  return { kernelspecs: cluster, aliases: {}, ...change };
}
