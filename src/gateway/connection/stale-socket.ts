import type { KernelGreeting } from './readiness.ts';
import type { KeptLink } from '../socket/reconnecting-socket.ts';
import type { GatewayTimings } from '../timings.ts';

/** A kernel that answers on no websocket has another trouble. */
const mostRenewals = 2;

/**
 * A websocket that looks open and whose kernel gets nothing of what is written: the gateway's own sockets to the kernel can
 * be dead, and it keeps them for the session that comes back.
 */
export class Deafness {
  readonly #timings: GatewayTimings;
  readonly #greeting: Pick<KernelGreeting, 'owedMs' | 'answers'>;
  readonly #link: Pick<KeptLink, 'silentMs' | 'renew'>;
  #answers = 0;
  #renewals = 0;

  constructor(
    timings: GatewayTimings,
    greeting: Pick<KernelGreeting, 'owedMs' | 'answers'>,
    link: Pick<KeptLink, 'silentMs' | 'renew'>,
  ) {
    this.#timings = timings;
    this.#greeting = greeting;
    this.#link = link;
  }

  /** The kernel is idle: where it nevertheless answers nothing, the websocket is renewed. True after trying in vain. */
  cure(): boolean {
    const { deafMs } = this.#timings;
    const { owedMs, answers } = this.#greeting;
    if (owedMs < deafMs || this.#link.silentMs < deafMs) return false;
    if (answers > this.#answers) this.#renewals = 0;
    this.#answers = answers;
    if (this.#renewals >= mostRenewals) return true;
    this.#renewals += 1;
    this.#link.renew();
    return false;
  }
}
