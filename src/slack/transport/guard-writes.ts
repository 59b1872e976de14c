import type { FetchFunction } from '@slack/web-api';

/** What says whether this process is surely the leader. */
export interface WriteGuard {
  mayWrite(): boolean;
  /** Resolves when it is sure again; rejects when another process is the leader. */
  whenSure(): Promise<void>;
}

/** Web API methods that change nothing: a standby and a leader in doubt may call them. */
const READS =
  /\/(?:auth\.test|api\.test|apps\.connections\.open|users\.\w+|usergroups\.[\w.]+|conversations\.\w+|files\.info|team\.info)$/;

/**
 * All calls to Slack go through this. One that changes something waits until this process is surely the leader, and is
 * checked again in the moment in which it is sent.
 */
export function guardWrites(fetch: FetchFunction | undefined, guard: WriteGuard): FetchFunction {
  const send = fetch ?? globalThis.fetch;
  return async (url, init) => {
    if (!READS.test(new URL(url).pathname)) while (!guard.mayWrite()) await guard.whenSure();
    return await send(url, init);
  };
}
