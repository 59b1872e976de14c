import type { FinishResult, OpenRunMessage, RunMessage, RunView } from './run-view.ts';

/**
 * The run message of a run that its channel is told of only where it did not end well. It is opened then, or as soon as
 * somebody has to decide about the run; until then nothing is posted.
 */
export function quietly(openRunMessage: OpenRunMessage): OpenRunMessage {
  return (options) => {
    // With a thread of its own it has been told already, by a predecessor.
    let opened = options.thread === '' ? undefined : openRunMessage(options);
    const open = (): RunMessage => (opened ??= openRunMessage(options));
    return {
      show(view) {
        if (opened !== undefined || view.phase.kind === 'switchAsked') open().show(view);
      },
      async finish(view): Promise<FinishResult> {
        if (opened === undefined && endedWell(view)) return { delivered: true };
        return await open().finish(view);
      },
      release: async () => await opened?.release(),
      withdraw: async () => await opened?.withdraw(),
    };
  };
}

function endedWell({ phase }: RunView): boolean {
  return phase.kind === 'ended' && phase.outcome.kind === 'ok';
}
