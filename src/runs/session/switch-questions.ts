import type { Log } from '../../log.ts';
import type { ActiveRun } from './active-run.ts';
import type { ChannelKernels } from './channel-kernels.ts';

/** A question whether to switch the channel's kernel lapses after this. */
const LAPSES_MS = 10 * 60_000;

export interface SwitchQuestionsOptions {
  kernels: ChannelKernels;
  kernelsPerChannel: number;
  /** Nobody answered: the run is taken back. */
  lapse: (active: ActiveRun) => Promise<unknown>;
  log: Log;
}

/** "#data runs python2; switch to scala?": asked when the run's turn comes, answered by a button, or lapsed. */
export class SwitchQuestions {
  readonly #options: SwitchQuestionsOptions;
  readonly #lapses = new Map<string, NodeJS.Timeout>();

  constructor(options: SwitchQuestionsOptions) {
    this.#options = options;
  }

  /** True when the run stands aside: its lane's kernel is another kernelspec and its author was asked just now. */
  async asks(active: ActiveRun): Promise<boolean> {
    const { kernels, kernelsPerChannel } = this.#options;
    const { state, data } = active.run;
    if (kernelsPerChannel !== 1 || state !== 'waiting' || data.switchAgreedBy !== undefined) return false;
    const record = await kernels.find(active.run.lane);
    if (record === undefined || record.kernelspec === data.kernelspec) return false;
    await active.change({}, { switchAskedAt: Date.now() });
    this.#show(active, record.kernelspec);
    return true;
  }

  /** A question that a predecessor asked stays open after a restart. False when nothing is in the run's way any more. */
  async askAgain(active: ActiveRun): Promise<boolean> {
    const record = await this.#options.kernels.find(active.run.lane);
    const isOpen = record !== undefined && record.kernelspec !== active.run.data.kernelspec;
    if (isOpen) this.#show(active, record.kernelspec);
    else await active.change({}, { switchAskedAt: undefined });
    return isOpen;
  }

  #show(active: ActiveRun, from: string): void {
    const { id, channel, data } = active.run;
    active.show({ kind: 'switchAsked', channel, from, to: data.kernelspec });
    const lapse = (): void => {
      this.#lapses.delete(id);
      const { log } = this.#options;
      this.#options.lapse(active).catch((error: unknown) => log.error({ err: error, run: id }, 'not lapsed'));
    };
    const leftMs = (data.switchAskedAt ?? Date.now()) + LAPSES_MS - Date.now();
    this.answered(id);
    this.#lapses.set(id, setTimeout(lapse, Math.max(0, leftMs)).unref());
  }

  /** The question is settled, one way or another. */
  answered(runId: string): void {
    clearTimeout(this.#lapses.get(runId));
    this.#lapses.delete(runId);
  }

  close(): void {
    for (const runId of this.#lapses.keys()) this.answered(runId);
  }
}
