import type { OutputLoss } from '../../../output/output-view.ts';
import type { RunOutcome } from '../../../runs/outcome.ts';
import type { GatewayOutage, RunPhase, RunView } from '../../../runs/run-view.ts';
import { joinWords, renderDuration, renderElapsed, renderSpan, shownNumber } from '../../../text.ts';
import { ARCHIVE_FILE, RESULTS_FILE, STREAM_FILE } from './attachments.ts';

/** The sentences of a run message about its run. Plain text. */

/** How a run ended, as people see it; `limited`: stopped by a limit, not by somebody. */
export type End = 'failed' | 'ok' | 'stopped' | 'limited' | 'cancelled' | 'notKnown';

interface OutcomeWords {
  end: End;
  /** The first word of the status line. */
  label: string;
  /** What to know or to do, besides `RunOutcome.detail`. */
  next?: string;
  /** The kernel never got it, so no duration is shown. */
  neverRan?: true;
}

const LIMIT_WORDS =
  'The output reached the limit of one run, or 1,000 files; what came after it is not kept.';

/** `{run}` stands for the run's id. */
const OUTCOMES: Readonly<Record<RunOutcome['kind'], OutcomeWords>> = {
  ok: { end: 'ok', label: 'Done' },
  raised: { end: 'failed', label: 'Error' },
  interrupted: { end: 'stopped', label: 'Stopped' },
  timedOut: { end: 'limited', label: 'Stopped by the time limit' },
  tooMuchOutput: { end: 'limited', label: 'Stopped: too much output', next: LIMIT_WORDS },
  inputTimedOut: { end: 'limited', label: 'Stopped: no input came' },
  cancelled: { end: 'cancelled', label: 'Cancelled', next: 'It did not run.', neverRan: true },
  exited: {
    end: 'failed',
    label: 'Exited',
    next: 'The code ended its kernel; the next snippet starts a new one.',
  },
  kernelDied: {
    end: 'failed',
    label: 'Kernel died',
    next: 'The kernel’s process ended while this ran, often because memory ran out. The next snippet starts a new one.',
  },
  kernelRestarted: {
    end: 'failed',
    label: 'Kernel restarted',
    next: 'The kernel was restarted while this ran.',
  },
  kernelGone: { end: 'failed', label: 'Kernel gone', next: 'The next snippet starts a new one.' },
  notStarted: { end: 'failed', label: 'Not started', next: 'The code did not run.', neverRan: true },
  gatewayAway: {
    end: 'notKnown',
    label: 'Gateway away',
    next: 'The end of this run was not seen, and it may still go on. The next snippet finds out whether the kernel and its variables are still there.',
  },
  outputLost: {
    end: 'notKnown',
    label: 'End not seen',
    next: 'It ran, but how it ended is lost with the connection.',
  },
  unknown: {
    end: 'notKnown',
    label: 'Not known',
    next: 'It is not known whether this ran. Run it again if running it twice does no harm.',
    neverRan: true,
  },
  broken: {
    end: 'failed',
    label: 'Something broke',
    next: 'This is a fault of the bot, not of the code (run {run}).',
  },
};

export function endOf({ kind }: Pick<RunOutcome, 'kind'>): End {
  return OUTCOMES[kind].end;
}

/** Stopped on purpose: by a person, or by a limit. */
export function wasStopped(outcome: Pick<RunOutcome, 'kind'>): boolean {
  return ['stopped', 'limited'].includes(endOf(outcome));
}

/** `Done · 0.05 s · In [3] · python3-spark` (`short`: `Done · 0.05 s`), and for an edited message's run `edited, run 2`. */
export function statusLine(edition: number, outcome: RunOutcome, { short = false } = {}): string {
  const { label, neverRan } = OUTCOMES[outcome.kind];
  const count = outcome.executionCount ?? 0;
  return joinWords(' · ', [
    label,
    neverRan === true ? '' : renderDuration(outcome.durationMs),
    count > 0 && !short ? `In [${count}]` : '',
    short ? '' : outcome.kernelspec,
    editionWords(edition),
  ]);
}

/** The line under a run that has not ended; `phase` is '' if the body says it. */
export function liveStatus({ kernelspec, edition, cell }: RunView, phase: string): string {
  const progress = cell === undefined ? '' : `cell ${cell.number} of ${cell.of}`;
  return joinWords(' · ', [phase, progress, kernelspec, editionWords(edition)]);
}

function editionWords(edition: number): string {
  return edition > 1 ? `edited, run ${edition}` : '';
}

/** The paragraph below the output: the reason, the next step, what is lost. May be empty. */
export function outcomeParagraph(view: RunView, outcome: RunOutcome): string {
  const { next = '' } = OUTCOMES[outcome.kind];
  const losses = view.output?.losses ?? [];
  return joinWords(' ', [
    blockWords(outcome),
    reason(outcome),
    next.replace('{run}', view.runId),
    // Output that comes all at once ends before the run can be stopped.
    view.output?.limited === true && next !== LIMIT_WORDS ? LIMIT_WORDS : '',
    outcome.variablesLost ? 'Variables are gone.' : '',
    outcome.possibleGap && losses.length === 0 ? 'Output may be missing.' : '',
  ]);
}

/** Which of several blocks ended the run; '' if the kernel got none of them, which the outcome says. */
function blockWords({ kind, endedBlock }: RunOutcome): string {
  if (endedBlock === undefined || (OUTCOMES[kind].neverRan === true && endedBlock.number === 1)) return '';
  const { number, of, unit = 'block' } = endedBlock;
  const behind = of - number;
  const rest =
    behind === 0
      ? ''
      : behind === 1
        ? `; ${unit} ${of} did not run`
        : `; ${unit}s ${number + 1} to ${of} did not run`;
  return `${kind === 'raised' ? 'Failed' : 'Ended'} in ${unit} ${number} of ${of}${rest}.`;
}

/** The gateway's words are often half a sentence (`it was shut down`). */
function reason({ kind, detail = '' }: RunOutcome): string {
  if (detail === '') return kind === 'kernelGone' ? 'The kernel is gone.' : '';
  const whole = wholeSentence(detail);
  return kind === 'kernelGone' && /^\p{Ll}/u.test(detail)
    ? `The kernel is gone: ${detail}${whole.slice(detail.length)}`
    : whole;
}

function wholeSentence(words: string): string {
  const ended = /[.!?]$/.test(words) ? words : `${words}.`;
  return `${ended.charAt(0).toUpperCase()}${ended.slice(1)}`;
}

/** What a run is doing, and for how long: `Running, 12 s`. */
export function phaseWords(phase: Exclude<RunPhase, { kind: 'ended' }>, nowMs: number): string {
  switch (phase.kind) {
    case 'waiting':
      return phase.ahead === 0 ? 'Waiting for the kernel' : `Waiting, ${phase.ahead} before yours`;
    case 'switchAsked':
      return `This channel ${switchWords(phase)}`;
    case 'startingKernel': {
      const elapsed = clockWords(nowMs - phase.sinceMs);
      return phase.turnsBefore > 0
        ? `Waiting to start a kernel, ${phase.turnsBefore} before yours${elapsed}`
        : `Starting a kernel${elapsed}`;
    }
    case 'startingServer':
      return `Starting the server${clockWords(nowMs - phase.sinceMs)}`;
    case 'running': {
      const elapsed = clockWords(nowMs - phase.sinceMs);
      if (phase.stopIgnored)
        return `The stop had no effect yet${elapsed}. Stop tries it again. A restart may be needed to end it; variables would be lost.`;
      if (phase.ignoredAtMs !== undefined)
        return `The stop is tried again${elapsed}. A restart may be needed to end it; variables would be lost.`;
      if (phase.stopping) return `Stopping${elapsed}`;
      if (phase.behindOthers === true)
        return `Sent; the kernel works on code of another client first${elapsed}`;
      if (phase.inputMayBeLost === true)
        return `Running${elapsed}. The connection to the kernel broke for a moment: a question that this code asked may be lost. If it waits for input, stop it.`;
      if (phase.quietMs === undefined) return `Running${elapsed}`;
      return `Running${elapsed}, no output for ${renderElapsed(phase.quietMs)}`;
    }
    case 'inputAsked':
      return phase.password ? 'Waiting for a password' : 'Waiting for input';
  }
}

/** The question to a channel, whose name comes before it. */
export function switchWords({ from, to, maySwitch }: RunPhase & { kind: 'switchAsked' }): string {
  if (!maySwitch)
    return `runs ${from}, and others have variables in it: only an admin may replace it with ${to}. Ask one to shut the ${from} kernel down, then this runs by itself; or run it on ${from}.`;
  return `runs ${from}; switch to ${to}? its variables will be lost`;
}

/** Nothing in the first second: 0 s would look like a clock that has stopped. */
function clockWords(elapsedMs: number): string {
  return elapsedMs < 1000 ? '' : `, ${renderElapsed(elapsedMs)}`;
}

/** What is wrong with the gateway, what it means for this run, and who has to act. */
export function outageWords({ code, detail, isCutOff, sent }: GatewayOutage): string {
  const isRefused = code === 'unauthorized' || code === 'untrusted';
  return [
    wholeSentence(detail),
    isCutOff ? CUT_OFF[sent] : 'Output still comes; a stop or a restart may not get through.',
    isRefused
      ? 'An admin has to check what the bot knows of the gateway: its address, certificate and credentials.'
      : 'If this lasts, tell an admin.',
  ].join(' ');
}

const CUT_OFF: Readonly<Record<GatewayOutage['sent'], string>> = {
  no: 'Nothing has run yet; it starts by itself if the gateway is back soon.',
  perhaps: 'Whether the kernel has got this shows when the gateway is back.',
  yes: 'This may go on meanwhile and is taken up when the gateway is back; then it shows whether the variables are kept.',
};

/** `isAttached`: whether this file is attached and can be named. */
export function lossWords(loss: OutputLoss, isAttached: (name: string) => boolean): string {
  switch (loss.kind) {
    case 'dropped':
      return loss.limit === 'data'
        ? 'Some output was dropped by the gateway (its limit of bytes per second). An admin can raise iopub_data_rate_limit there.'
        : 'Some output was dropped by the gateway (its limit of messages per second). An admin can raise iopub_msg_rate_limit there.';
    case 'tooBig':
      return `${loss.messages === 1 ? 'One message' : `${loss.messages} messages`} over the bot’s limit for one message could not be taken: too long, or of too many values. An admin can raise the limit of length.`;
    case 'gap':
      return `Output may be missing ${renderSpan(loss.fromMs, loss.toMs)} UTC.`;
    case 'diskFull':
      return 'The bot’s disk is full; some output is not kept.';
    case 'spoolFull':
      return 'The bot’s room for the output of all runs together is full; some output is not kept.';
    case 'unread':
      return `${loss.outputs === 1 ? 'One output' : `${loss.outputs} outputs`} could not be read and shown. This is a fault of the bot, not of the code.`;
    case 'tooMany': {
      const { parts, streams, path, archive } = loss;
      const files = [...(streams ? [STREAM_FILE] : []), ...(path === undefined ? [] : [RESULTS_FILE])];
      const named = files.filter(isAttached).join(' and ');
      const texts = named === '' ? '' : ` Their text is in ${named}.`;
      const isZipped = archive !== undefined && isAttached(ARCHIVE_FILE);
      const zipped = isZipped ? ` Their pictures and files are in ${ARCHIVE_FILE}.` : '';
      return `${shownNumber(parts)} of the outputs are not shown: there were too many.${texts}${zipped}`;
    }
  }
}

/** How often the clock of a live message is updated if nothing else changes. */
export function tickMs(view: RunView | undefined, nowMs: number): number {
  if (view === undefined || !('sinceMs' in view.phase)) return 60_000;
  const elapsed = nowMs - view.phase.sinceMs;
  if (elapsed < 60_000) return 5_000;
  return elapsed < 600_000 ? 15_000 : 60_000;
}
