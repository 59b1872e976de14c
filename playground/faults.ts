/** Faults that a test plants on methods of the Web API: the next calls fail so, in the order of planting. */

export type Fault =
  /** 429 with Retry-After. */
  | { readonly kind: 'rateLimited'; readonly retryAfterS: number }
  /** An HTTP status with a page that is not JSON. */
  | { readonly kind: 'status'; readonly status: number }
  /** `{ ok: false, error }`; nothing is done. */
  | { readonly kind: 'error'; readonly error: string }
  /** The connection is cut before anything is done. */
  | { readonly kind: 'dropped' }
  /** Done, but the connection is cut instead of answering. */
  | { readonly kind: 'replyLost' }
  /** Done `delayMs` later. */
  | { readonly kind: 'late'; readonly delayMs: number }
  /** Done at once, answered `delayMs` later. */
  | { readonly kind: 'replyLate'; readonly delayMs: number }
  /** Neither done nor answered until the test releases it. */
  | { readonly kind: 'held'; readonly until: Promise<void>; readonly reached: () => void };

/** `method` is a Web API method, `upload` for the upload address, `response` for response_urls, or `*` for all. */
export class Faults {
  readonly #planted: { method: string; fault: Fault; times: number }[] = [];

  plant(method: string, fault: Fault, times = 1): void {
    this.#planted.push({ method, fault, times });
  }

  clear(): void {
    this.#planted.length = 0;
  }

  /** The fault of this call, which is used up. */
  next(method: string): Fault | undefined {
    const index = this.#planted.findIndex((planted) => planted.method === method || planted.method === '*');
    const planted = this.#planted[index];
    if (planted === undefined) return undefined;
    planted.times -= 1;
    if (planted.times <= 0) this.#planted.splice(index, 1);
    return planted.fault;
  }
}

export interface Hold {
  /** Resolves when the call has arrived. */
  readonly reached: Promise<void>;
  release(): void;
}

/** Holds the next call of `method` until released. */
export function hold(faults: Faults, method: string): Hold {
  const gate = Promise.withResolvers<void>();
  const arrival = Promise.withResolvers<void>();
  faults.plant(method, { kind: 'held', until: gate.promise, reached: arrival.resolve });
  return { reached: arrival.promise, release: gate.resolve };
}
