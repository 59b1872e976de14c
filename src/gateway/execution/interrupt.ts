import type { WantedStop } from './interrupts.ts';

/** What stopping an execution needs of it. */
export interface StoppingHost {
  isEnded(): boolean;
  /** Its code is the one that runs, so an interrupt meets nobody else's. */
  isRunning(): boolean;
  readonly stopIgnoredMs: number;
  /** Interrupts the kernel once that is allowed and `isWanted` still says so. */
  interrupt(stop: WantedStop): void;
  onSent(): void;
  onFailed(failure: unknown): void;
  /** It was to stop, and for a while nothing has come of that. */
  onIgnored(): void;
}

/** The way from the wish to stop one execution to the signals that the kernel gets (protocol.md §3.6). */
export class Stopping {
  readonly #host: StoppingHost;
  readonly #signal: AbortSignal | undefined;
  #hasAsked = false;
  #hasTried = false;
  #watch: NodeJS.Timeout | undefined;

  constructor(signal: AbortSignal | undefined, host: StoppingHost) {
    this.#signal = signal;
    this.#host = host;
  }

  get isWanted(): boolean {
    return this.#signal?.aborted === true;
  }

  /** From now on it is told when the wish has no effect, also where nothing can be interrupted yet. */
  watch(): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#host.onIgnored(), this.#host.stopIgnoredMs);
  }

  /** Sends what is wanted and may be sent now; a signal that the gateway did not take is not forgotten. */
  pursue(): void {
    const host = this.#host;
    if (!this.isWanted || !host.isRunning() || host.isEnded() || this.#hasAsked) return;
    this.#hasAsked = true;
    // A wish from before it could be interrupted has its time anew; one that a gateway keeps turning away has not.
    if (!this.#hasTried) this.watch();
    this.#hasTried = true;
    this.#interrupt(2);
  }

  end(): void {
    clearTimeout(this.#watch);
  }

  /** A kernel can lose a signal (Python in a finalizer, R while it reads a line): one that is not obeyed is repeated. */
  #interrupt(times: number): void {
    this.#host.interrupt({
      isWanted: () => !this.#host.isEnded(),
      onSend: () => {
        this.#host.onSent();
        if (times > 1) this.#interrupt(times - 1);
      },
      onFailed: (failure) => {
        this.#host.onFailed(failure);
        this.#hasAsked = false;
      },
    });
  }
}
