import type { HomeView, KnownBlock } from '@slack/types';
import type { KernelStatus } from '../../runs/control.ts';
import { isUnfinished, type Run } from '../../runs/run.ts';
import type { SavedSnippet } from '../../saved/saved-snippets.ts';
import { button, buttonRow, channelName, header, section } from './elements.ts';
import { howTo } from './help.ts';
import { kernelLines, renderKernelButtons } from './kernel-blocks.ts';
import { runLine } from './run-summary.ts';
import { runButtons } from './run/run-buttons.ts';
import { renderSavedHome } from './saved/saved-blocks.ts';
import type { ListedSchedule } from './saved/schedule-blocks.ts';

export const RUN_CODE_ACTION = 'home:run';

export interface HomeContent {
  botUserId: string;
  /** The result of a press. */
  notice: string | undefined;
  kernels: readonly { status: KernelStatus; mayChange: boolean }[];
  runs: readonly Run[];
  saved: readonly SavedSnippet[];
  schedules: readonly ListedSchedule[];
  /** How many there are in all: only the first of them are shown. */
  counts: Readonly<Record<'kernels' | 'saved' | 'schedules', number>>;
  workspaceUrl: string;
  now: number;
}

/** The home tab: how to run code, kernels, last runs, what is saved and scheduled. Pure. */
export function renderHome(content: HomeContent): HomeView {
  const { botUserId, notice, kernels, runs, counts, workspaceUrl, now } = content;
  return {
    type: 'home',
    blocks: [
      ...(notice === undefined ? [] : [section(notice)]),
      section(howTo(botUserId)),
      buttonRow(button('Run code', RUN_CODE_ACTION, undefined, { style: 'primary' })),
      header('Kernels of your channels', kernels.length, counts.kernels),
      ...(kernels.length === 0
        ? [section('None of your channels has a kernel now; the first snippet in a channel starts one.')]
        : kernels.flatMap(({ status, mayChange }) => kernelBlocks(status, mayChange, now))),
      header('Your last runs'),
      ...(runs.length === 0
        ? [section('You have run nothing yet, or your runs are no longer kept.')]
        : runs.flatMap((run) => runBlocks(run, workspaceUrl, now))),
      ...renderSavedHome(content, workspaceUrl, now),
    ],
  };
}

/** For somebody who may not use the bot: why. */
export function renderClosedHome(why: string): HomeView {
  return { type: 'home', blocks: [section(why)] };
}

function kernelBlocks(status: KernelStatus, mayChange: boolean, now: number): KnownBlock[] {
  const { channel, kernelId } = status.record;
  const line = section(`${channelName(channel)} · ${kernelLines(status)}`);
  return mayChange ? [line, renderKernelButtons(kernelId, now)] : [line];
}

/**
 * A run that has not ended can be stopped here. Each rendering is another state, so that a stop without effect can be
 * tried again.
 */
function runBlocks(run: Run, workspaceUrl: string, now: number): KnownBlock[] {
  const line = section(runLine(run, workspaceUrl));
  if (!isUnfinished(run)) return [line];
  const end =
    run.state === 'waiting'
      ? runButtons.render('cancel', run.id, 'waiting')
      : runButtons.render('stop', run.id, `running/${now}`);
  return [line, buttonRow(end)];
}
