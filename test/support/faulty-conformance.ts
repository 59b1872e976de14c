import { type ConformanceCase, testConformance } from './conformance.ts';

/** The same suite through a slow connection that breaks every few frames and a proxy that sometimes answers 502. */
export function testFaultyConformance(name: string, conformance: ConformanceCase & { seed: number }): void {
  let calls = 0;
  testConformance(`${name} with faults, seed ${conformance.seed}`, {
    ...conformance,
    faults: {
      delayMs: 10,
      dropsAfterFrames: { fewest: 12, most: 60 },
      // Every fifth call, but never a start, because starts are not repeated.
      answer: ({ method }) => {
        if (method !== 'GET') return undefined;
        calls += 1;
        return calls % 5 === 0 ? { status: 502, body: '<html>502 Bad Gateway</html>' } : undefined;
      },
    },
  });
}
