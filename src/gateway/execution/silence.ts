import type { Deafness } from '../connection/stale-socket.ts';
import type { RunningExecution } from './execution.ts';
import type { KernelGreeting } from '../connection/readiness.ts';
import type { KernelLife } from '../connection/lifecycle.ts';
import { judgeSilence } from '../protocol/kernel-status.ts';
import type { Rest } from '../http/kernels-api.ts';
import type { GatewayTimings } from '../timings.ts';
import type { Trouble } from '../socket/outage.ts';

/** What the watch over silent executions needs of their connection. */
export interface SilenceHost {
  readonly kernelId: string;
  readonly timings: GatewayTimings;
  readonly rest: Pick<Rest, 'findKernel'>;
  readonly greeting: KernelGreeting;
  readonly life: KernelLife;
  readonly deafness: Pick<Deafness, 'cure'>;
  readonly isConnected: boolean;
  readonly canProveEnd: boolean;
  readonly dropsSpareLines: boolean;
  onGone(detail: string): void;
  readonly trouble: Pick<Trouble, 'callFailed' | 'callAnswered'>;
}

export interface SilenceWatch {
  /** Nothing of `execution` came for `silentMs`: asks for the kernel's model and draws the conclusion. */
  look(execution: RunningExecution, silentMs: number): Promise<void>;
}

export function openSilenceWatch(host: SilenceHost): SilenceWatch {
  const before = new WeakMap<RunningExecution, { state: string; same: number }>();

  /** How often the kernel was found in this state by looks without a message in between. */
  const countSame = (execution: RunningExecution, state: string): number => {
    const last = before.get(execution);
    const same = last?.state === state ? last.same + 1 : 0;
    before.set(execution, { state, same });
    return same;
  };

  return {
    async look(execution, silentMs) {
      const { timings, life } = host;
      const model = host.isConnected
        ? await host.rest.findKernel(host.kernelId).catch((failure: unknown) => {
            host.trouble.callFailed(failure);
            return 'unknown' as const;
          })
        : 'unknown';
      if (execution.isEnded) return;
      execution.lookIn(timings.silenceMs);
      // The pings find out whether the gateway is there at all.
      if (model === 'unknown') return;
      host.trouble.callAnswered();
      const executionState = model?.executionState ?? '';
      const { started } = execution.state;
      const verdict = judgeSilence({
        model,
        started,
        canProve: host.canProveEnd,
        sameLooks: countSame(execution, `${executionState} ${execution.lastMessageMs}`),
      });
      const lost = started ? 'outputLost' : 'unknown';
      switch (verdict) {
        case 'wait':
          if (silentMs >= timings.silenceMs)
            execution.tell({ kind: 'quiet', executionState, quietMs: Math.round(silentMs) });
          if (executionState !== 'busy') return execution.lookIn(timings.firstLookMs * 2);
          if (life.isBusyElsewhere) return execution.tellBehindOthers();
          // Nobody else is connected, so it is our code that it works on.
          if (!started && (model?.connections ?? 0) <= 1) execution.presumeRunning();
          return execution.settleQuestions(host.dropsSpareLines);
        case 'prove':
          if (host.deafness.cure()) return execution.finishAs(lost, 'the kernel is idle and answers nothing');
          return host.greeting.ask(() => execution.finishUnlessHeard(lost, timings.graceMs));
        case 'lost':
          return execution.finishAs(lost, 'the kernel is idle and nothing of the reply came');
        case 'died':
          return life.died();
        case 'gone':
          return host.onGone('the gateway does not have it any more');
        default:
          return verdict satisfies never;
      }
    },
  };
}
