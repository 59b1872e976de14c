import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Output } from '../gateway/outputs.ts';
import { jsonPieces } from '../output/mime/json-text.ts';
import { isOfMime } from './clean-metadata.ts';

/** JSON that every reader takes: half a surrogate pair, which UTF-8 cannot carry, becomes U+FFFD. */
export function toJson(value: unknown): string {
  return wellFormed(JSON.stringify(value));
}

/** Where JSON.stringify escapes half of a pair, it is alone. */
function wellFormed(json: string): string {
  return !json.includes('\\ud')
    ? json
    : json.replaceAll(/(?<!\\)((?:\\\\)*)\\ud[89a-f][\da-f]{2}/g, '$1\ufffd');
}

/**
 * An output of a cell as nbformat has it, in pieces with a turn for everybody else between them; `count` is the cell's.
 * Rejects where it is nested too deeply.
 */
export async function outputPieces(
  output: Output & { kind: 'result' | 'display' | 'updateDisplay' | 'error' },
  count: number | null,
): Promise<string[]> {
  if (output.kind === 'error') {
    const { name, value, traceback } = output;
    return await wellFormedPieces({ output_type: 'error', ename: name, evalue: value, traceback });
  }
  const data: Record<string, unknown> = {};
  for (const [mime, value] of Object.entries(output.data))
    data[mime] = isOfMime(mime, value) ? value : (await jsonPieces(value)).join('');
  const shown = { data, metadata: output.metadata };
  return await (output.kind === 'result'
    ? wellFormedPieces({ output_type: 'execute_result', ...shown, execution_count: count })
    : wellFormedPieces({ output_type: 'display_data', ...shown }));
}

async function wellFormedPieces(value: object): Promise<string[]> {
  const pieces: string[] = [];
  for (const piece of await jsonPieces(value)) {
    if (pieces.length > 0) await nextTurn();
    pieces.push(wellFormed(piece));
  }
  return pieces;
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
