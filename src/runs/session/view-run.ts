import type { OutputView } from '../../output/output-view.ts';
import type { RunAction, RunPhase, RunView } from '../run-view.ts';
import type { Run } from '../run.ts';

/** One picture of a run, with the buttons that make sense in its phase. */
export function viewRun(
  run: Run,
  phase: RunPhase,
  output: OutputView | undefined,
  trouble?: RunView['trouble'],
): RunView {
  return {
    runId: run.id,
    runner: run.runner,
    kernelspec: run.data.kernelspec,
    phase,
    output,
    ...(trouble === undefined ? {} : { trouble }),
    notes: run.data.notes,
    edition: run.data.edition,
    // Code that nobody knows any more cannot be run again.
    actions: run.data.isUnreadable === true ? ['delete'] : actionsFor(phase),
  };
}

function actionsFor(phase: RunPhase): RunAction[] {
  switch (phase.kind) {
    case 'waiting':
      return ['cancel'];
    case 'switchAsked':
      return ['switch', 'cancel'];
    case 'startingKernel':
      return ['stop'];
    case 'running':
      return phase.stopIgnored ? ['restart'] : ['stop'];
    case 'inputAsked':
      return ['answerInput', 'stop'];
    case 'ended':
      return ['runAgain', 'editAndRun', 'delete'];
  }
}
