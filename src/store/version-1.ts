import { isRecord, parseJson } from '../text.ts';
import { summarizeCode } from './run-reader.ts';

/** Fields of a run that had other names in 0.1.0. */
const RENAMED: Readonly<Record<string, string>> = {
  door: 'source',
  delivery: 'requestKey',
  answerTs: 'messageTs',
  sent: 'request',
  asked: 'inputRequest',
  stopAskedBy: 'stoppedBy',
};
/** Turns the `data` of a run that 0.1.0 stored (JSON text) into data and code of this version. Damaged data stays as it is. */
export function upgradeData(stored: string): { data: string; code: string[] } {
  const old = parseJson(stored);
  if (!isRecord(old)) return { data: stored, code: [] };
  const { blocks, ...rest } = old;
  const code = Array.isArray(blocks) ? blocks.map(String) : [];
  const renamed = Object.fromEntries(
    Object.entries(rest).map(([field, value]) => [RENAMED[field] ?? field, value]),
  );
  const { request } = renamed;
  if (isRecord(request)) {
    const { left, ...sent } = request;
    renamed['request'] = isRecord(left) ? { ...sent, checkpoint: upgradeCheckpoint(left) } : sent;
  }
  return { data: JSON.stringify({ ...renamed, ...summarizeCode(code) }), code };
}

function upgradeCheckpoint({ heard, ...rest }: Record<string, unknown>): object {
  return { ...rest, ...(heard === undefined ? {} : { received: heard }) };
}

export function upgradeState(state: string): string {
  return state === 'sent' ? 'running' : state;
}

/** Renames three fields in the record of a kernel that 0.1.0 stored. Other records stay as they are. */
export function upgradeKernel(stored: unknown): unknown {
  if (!isRecord(stored) || !('lane' in stored && 'lastRunner' in stored)) return stored;
  const { lane, lastRunner, runners, ...rest } = stored;
  return { ...rest, queue: lane, lastRequester: lastRunner, requesters: runners };
}
