import type { Run } from '../run.ts';
import { type KernelRecord, needsSwitch } from './kernel/kernel-record.ts';
import type { LiveRun } from './run/live-run.ts';

/** How long the requester has to answer. */
const LAPSES_MS = 10 * 60_000;
export const LAPSED = 'Nobody said within 10 minutes whether to switch the kernel.';

/** Whether somebody has agreed to replace this very kernel. If the kernel has changed since, the requester is asked again. */
export function isAgreed({ data }: Run, record: KernelRecord | undefined): boolean {
  const { switchAgreedBy, agreedKernelId = record?.kernelId } = data;
  return switchAgreedBy !== undefined && agreedKernelId === record?.kernelId;
}

/** The questions "#data runs python2; switch to scala?". Each is asked at the run's turn and ends with a button or by lapsing. */
export class SwitchQuestions {
  readonly #lapses = new Map<string, NodeJS.Timeout>();
  readonly #onLapsed: (live: LiveRun) => void;

  constructor(onLapsed: (live: LiveRun) => void) {
    this.#onLapsed = onLapsed;
  }

  /** `record` is the kernel that would be replaced. */
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
    const askedMs = Math.max(0, Date.now() - askedAtMs);
    this.settle(id);
    this.#lapses.set(id, setTimeout(() => this.#onLapsed(live), Math.max(0, LAPSES_MS - askedMs)).unref());
  }

  /** `by` has agreed to lose the variables of `record`. */
  agree(live: LiveRun, by: string, record: KernelRecord | undefined): void {
    this.settle(live.id);
    live.note({ data: { switchAgreedBy: by, agreedKernelId: record?.kernelId } });
  }

  /** The kernel may have changed: a question is asked again, or becomes needless and the run gets its place back. */
  review(undecided: readonly LiveRun[], record: KernelRecord | undefined): void {
    for (const live of undecided) {
      if (!needsSwitch(record, live.run.data.kernelspec)) {
        this.settle(live.id);
        live.note({ data: { switchAskedAt: undefined } });
      } else if (live.phase.kind !== 'switchAsked' || live.phase.from !== record.kernelspec)
        this.#show(live, record);
    }
  }

  /** Ends the question. */
  settle(runId: string): void {
    clearTimeout(this.#lapses.get(runId));
    this.#lapses.delete(runId);
  }

  close(): void {
    for (const runId of this.#lapses.keys()) this.settle(runId);
  }
}
