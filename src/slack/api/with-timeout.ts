/** A source waits no longer for Slack's word: its own acknowledgement is due after 3 s. What comes later serves the next time. */
const PATIENCE_MS = 1_500;

/** What Slack was asked, or a rejection when it lets a source wait. */
export async function inTime<T>(asked: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const patience = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(patience);
  }
}
