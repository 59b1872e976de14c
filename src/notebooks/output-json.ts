import type { Output } from '../gateway/outputs.ts';
import { cleanBundle } from './clean-metadata.ts';

/** JSON that every reader takes: half a surrogate pair, which UTF-8 cannot carry, becomes U+FFFD. */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value);
  // Where JSON.stringify escapes one, it is alone.
  return !json.includes('\\ud')
    ? json
    : json.replaceAll(/(?<!\\)((?:\\\\)*)\\ud[89a-f][\da-f]{2}/g, '$1\ufffd');
}

/** An output of a cell as nbformat has it; `count` is the cell's. */
export function toOutputJson(
  output: Output & { kind: 'result' | 'display' | 'updateDisplay' | 'error' },
  count: number | null,
): string {
  if (output.kind === 'error') {
    const { name, value, traceback } = output;
    return toJson({ output_type: 'error', ename: name, evalue: value, traceback });
  }
  const shown = { data: cleanBundle(output.data), metadata: output.metadata };
  return output.kind === 'result'
    ? toJson({ output_type: 'execute_result', ...shown, execution_count: count })
    : toJson({ output_type: 'display_data', ...shown });
}

/** A stream output whose text comes in pieces. */
export async function* streamOutputJson(
  name: string,
  pieces: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<string> {
  yield `{"output_type":"stream","name":${toJson(name)},"text":"`;
  for await (const piece of pieces) yield toJson(piece).slice(1, -1);
  yield '"}';
}
