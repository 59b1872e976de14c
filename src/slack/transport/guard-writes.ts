import type { FetchFunction } from '@slack/web-api';

/** What says whether this process is surely the leader. */
export interface WriteGuard {
  mayWrite(): boolean;
  /** Resolves when it is sure again; rejects when another process is the leader. */
  whenSure(): Promise<void>;
}

/** The Web API methods that we call and that change nothing: a standby and a leader in doubt may call them. */
const READS: ReadonlySet<string | undefined> = new Set([
  'apps.connections.open',
  'auth.test',
  'conversations.history',
  'conversations.info',
  'conversations.replies',
  'files.info',
  'usergroups.users.list',
  'users.conversations',
  'users.info',
]);

/**
 * All calls of the Web API go through this. One that changes something waits until this process is surely the leader,
 * and is checked again in the moment in which it is sent.
 */
export function guardWrites(fetch: FetchFunction, guard: WriteGuard): FetchFunction {
  return async (url, init) => {
    const method = new URL(url).pathname.split('/').at(-1);
    if (!READS.has(method)) while (!guard.mayWrite()) await guard.whenSure();
    return await fetch(url, init);
  };
}
