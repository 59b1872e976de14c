import type { OutputPart } from './output-view.ts';

/** Splits a text part at the tables that Spark's `show()` printed in it. */
export function splitShownTables(part: OutputPart): OutputPart[] {
  return [part];
}
