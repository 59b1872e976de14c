import { StoreError } from '../errors.ts';

/** The promise's own end, or `StoreError('silent')` after `timeoutMs`. The work itself is not stopped. */
export async function withinMs<T>(work: Promise<T>, timeoutMs: number, what = 'The store'): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new StoreError('silent', `${what} gave no answer within ${timeoutMs} ms.`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearTimeout(timer);
  }
}
