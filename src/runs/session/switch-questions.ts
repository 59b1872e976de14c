import type { Run } from '../run.ts';
import type { KernelRecord } from './kernel/kernel-record.ts';
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
export function createSwitchQuestions(onLapsed: (live: LiveRun) => void) {
  const lapses = new Map<string, NodeJS.Timeout>();
  const show = (live: LiveRun, record: KernelRecord): void => {
    const { id, channel, requester, data } = live.run;
    const isAlone = record.requesters.every((each) => each === requester);
    const maySwitch = isAlone || data.maySwitch !== false;
    const { kernelspec: to, switchAskedAt: askedAtMs = Date.now() } = data;
    live.show({ kind: 'switchAsked', channel, from: record.kernelspec, to, maySwitch, askedAtMs });
    const askedMs = Math.max(0, Date.now() - askedAtMs);
    settle(id);
    lapses.set(id, setTimeout(() => onLapsed(live), Math.max(0, LAPSES_MS - askedMs)).unref());
  };
  /** Ends the question. */
  const settle = (runId: string): void => {
    clearTimeout(lapses.get(runId));
    lapses.delete(runId);
  };
  return {
    /** `record` is the kernel that would be replaced. */
    ask(live: LiveRun, record: KernelRecord | undefined): void {
      live.note({ data: { switchAskedAt: Date.now(), switchAgreedBy: undefined } });
      if (record !== undefined) show(live, record);
    },
    /** `by` has agreed to lose the variables of `record`. */
    agree(live: LiveRun, by: string, record: KernelRecord | undefined): void {
      settle(live.id);
      live.note({ data: { switchAgreedBy: by, agreedKernelId: record?.kernelId } });
    },
    /** The kernel may have changed: a question is asked again, or becomes needless and the run gets its place back. */
    review(undecided: readonly LiveRun[], record: KernelRecord | undefined): void {
      for (const live of undecided) {
        if (record === undefined || record.kernelspec === live.run.data.kernelspec) {
          settle(live.id);
          live.note({ data: { switchAskedAt: undefined } });
        } else if (live.phase.kind !== 'switchAsked' || live.phase.from !== record.kernelspec)
          show(live, record);
      }
    },
    settle,
    close(): void {
      for (const runId of lapses.keys()) settle(runId);
    },
  };
}

export type SwitchQuestions = ReturnType<typeof createSwitchQuestions>;
