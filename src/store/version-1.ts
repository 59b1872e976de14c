import { createHash } from 'node:crypto';
import { parseLoosely } from './run-reader.ts';

/** What 0.1.0 called otherwise, in the record of a run. */
const RENAMED: Readonly<Record<string, string>> = {
  door: 'source',
  delivery: 'requestKey',
  answerTs: 'messageTs',
  sent: 'request',
  asked: 'inputRequest',
  stopAskedBy: 'stoppedBy',
};
const PREVIEW_LENGTH = 200;

/** What is said of code in a run's data, so that a listing need not read it. Lengths are in UTF-16 units. */
export interface CodeSummary {
  preview: string;
  codeLength: number;
  /** Hex; of the blocks with an empty line between them. */
  codeSha256: string;
  blockCount: number;
}

export function summarizeCode(code: readonly string[]): CodeSummary {
  return {
    preview: (code[0] ?? '').slice(0, PREVIEW_LENGTH),
    codeLength: code.reduce((length, block) => length + block.length, 0),
    codeSha256: createHash('sha256').update(code.join('\n\n')).digest('hex'),
    blockCount: code.length,
  };
}

/** `data` of a run as 0.1.0 stored it (JSON text) → data and code of this version. What is no record stays as it is. */
export function upgradeData(stored: string): { data: string; code: string[] } {
  const old: unknown = parseLoosely(stored);
  if (!isObject(old)) return { data: stored, code: [] };
  const { blocks, ...kept } = old;
  const code = Array.isArray(blocks) ? blocks.map(String) : [];
  const renamed = Object.fromEntries(
    Object.entries(kept).map(([field, value]) => [RENAMED[field] ?? field, value]),
  );
  const { request } = renamed;
  if (isObject(request)) {
    const { left, ...sent } = request;
    renamed['request'] = left === undefined ? sent : { ...sent, checkpoint: left };
  }
  return { data: JSON.stringify({ ...renamed, ...summarizeCode(code) }), code };
}

export function upgradeState(state: string): string {
  return state === 'sent' ? 'running' : state;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
