import { readFileSync } from 'node:fs';

/** The observer that is put into Python kernels (observer/*.py), as code for an execute_request. */

const PARTS = ['jobs', 'cells', 'stop'];
const SOURCE = PARTS.map((part) =>
  readFileSync(new URL(`observer/${part}.py`, import.meta.url), 'utf8'),
).join('\n\n');
const VERSION = /^VERSION = (\d+)$/m.exec(SOURCE)?.[1] ?? '';

/** Its module, made anew; an expression, so that it binds no name of the user's. JSON's texts are Python's. */
const MADE = `(lambda m: (m.__dict__.update(get_ipython=get_ipython), eval(compile(${JSON.stringify(SOURCE)}, "<sparkthread>", "exec"), m.__dict__), m)[2])(type(__import__("sys"))("_sparkthread"))`;
const PRESENT = `__import__("sys").modules.get("_sparkthread")`;
const IS_PRESENT = `getattr(${PRESENT}, "VERSION", None) == ${VERSION}`;

/** Puts it in, where this version of it is not there yet. */
export const PUT_IN = `${IS_PRESENT} or (lambda m: m.install(m))(${MADE})`;

/** Ends the Spark jobs of the cell that was this request's, and no others; the observer need not be there. */
export function stopCode(msgId: string, seconds: number): string {
  return `(${PRESENT} if ${IS_PRESENT} else ${MADE}).stop(${JSON.stringify(msgId)}, ${seconds})`;
}
