import type { Run } from '../run.ts';
import type { KernelRecord } from './kernel/kernel-record.ts';
import type { LiveRun } from './run/live-run.ts';

/** A question whether to switch the channel's kernel lapses after this. */
const LAPSES_MS = 10 * 60_000;
export const LAPSED = 'Nobody said within 10 minutes whether to switch the kernel.';

/** Whether somebody agreed to lose this kernel's variables; who agreed to lose another's is asked again. */
export function isAgreed({ data }: Run, record: KernelRecord | undefined): boolean {
  const { switchAgreedBy, agreedKernelId = record?.kernelId } = data;
  return switchAgreedBy !== undefined && agreedKernelId === record?.kernelId;
}

/** "#data runs python2; switch to scala?": shown when the run's turn comes, answered by a button, or lapsed. */
export class SwitchQuestions {
  readonly #lapses = new Map<string, NodeJS.Timeout>();
  readonly #onLapsed: (live: LiveRun) => void;

  constructor(onLapsed: (live: LiveRun) => void) {
    this.#onLapsed = onLapsed;
  }

  /** `record`: the kernel that would be replaced. */
  ask(live: LiveRun, record: KernelRecord | undefined): void {
    live.note({ data: { switchAskedAt: Date.now(), switchAgreedBy: undefined } });
    if (record !== undefined) this.#show(live, record);
  }

  #show(live: LiveRun, record: KernelRecord): void {
    const { id, channel, requester, data } = live.run;
    const isAlone = record.requesters.every((each) => each === requester);
    const maySwitch = isAlone || data.maySwitch !== false;
    const { kernelspec: to, switchAskedAt: askedAtMs = Date.now() } = data;
    live.show({ kind: 'switchAsked', channel, from: record.kernelspec, to, maySwitch, askedAtMs });
    const remainingMs = askedAtMs + LAPSES_MS - Date.now();
    this.settle(id);
    this.#lapses.set(id, setTimeout(() => this.#onLapsed(live), Math.max(0, remainingMs)).unref());
  }

  /** `by` agreed to lose the variables of `record`. */
  agree(live: LiveRun, by: string, record: KernelRecord | undefined): void {
    this.settle(live.id);
    live.note({ data: { switchAgreedBy: by, agreedKernelId: record?.kernelId } });
  }

  /** The kernel may have changed: a question is put anew, or has become needless and the run takes its place again. */
  review(undecided: readonly LiveRun[], record: KernelRecord | undefined): void {
    for (const live of undecided) {
      if (record === undefined || record.kernelspec === live.run.data.kernelspec) {
        this.settle(live.id);
        live.note({ data: { switchAskedAt: undefined } });
      } else if (live.phase.kind !== 'switchAsked' || live.phase.from !== record.kernelspec)
        this.#show(live, record);
    }
  }

  /** The question is answered, lapsed or needless. */
  settle(runId: string): void {
    clearTimeout(this.#lapses.get(runId));
    this.#lapses.delete(runId);
  }

  close(): void {
    for (const runId of this.#lapses.keys()) this.settle(runId);
  }
}
