import type { HomeView, KnownBlock, ModalView } from '@slack/types';
import { type OutputPart, type OutputView, wholeText } from '../src/output/output-view.ts';
import type { RunOutcome } from '../src/runs/outcome.ts';
import type { RunAction, RunPhase, RunView } from '../src/runs/run-view.ts';
import { renderEditor } from '../src/slack/blocks/editor.ts';
import { renderSentence } from '../src/slack/blocks/elements.ts';
import { renderClosedHome } from '../src/slack/blocks/home.ts';
import { renderInputBox } from '../src/slack/blocks/input-request.ts';
import { renderKernelButtons } from '../src/slack/blocks/kernel-blocks.ts';
import { renderTable, TABLE_FORMS } from '../src/slack/blocks/run/output/table.ts';
import { renderRunMessage } from '../src/slack/blocks/run/run-message.ts';
import { renderRoot } from '../src/slack/blocks/who-ran.ts';

/** One of each kind of thing that the bot shows. */
export type Sample =
  | { name: string; blocks: readonly KnownBlock[] }
  | { name: string; view: ModalView | HomeView };

const NOW_MS = Date.UTC(2026, 0, 5, 14, 2, 31);

const outcome: RunOutcome = {
  kind: 'ok',
  durationMs: 4_300,
  executionCount: 3,
  kernelspec: 'python3-spark',
  variablesLost: false,
  possibleGap: false,
};

const text: OutputPart = {
  kind: 'text',
  source: 'stdout',
  text: wholeText('<one> & two\n日本語 ├──\n'),
  path: undefined,
};
const json: OutputPart = { ...text, source: 'result', text: wholeText('{\n  "a": 1\n}') };
const error: OutputPart = {
  kind: 'error',
  headline: 'ZeroDivisionError: division by zero',
  userLine: 'line 1: 1/0',
  cause: undefined,
  traceback: wholeText('Traceback (most recent call last)'),
  isFolded: true,
  path: '/spool/traceback.txt',
  hint: 'A hint.',
};
const table: OutputPart & { kind: 'table' } = {
  kind: 'table',
  columns: ['', 'city', 'people'],
  rows: Array.from({ length: 120 }, (_, row) => [`${row}`, 'Köln', `${row * 1_000}.5`]),
  sentRows: 120,
  totalRows: 5_000,
  totalColumns: 2,
  note: undefined,
  csvPath: '/spool/table.csv',
  text: wholeText('  city people'),
};

function outputOf(parts: readonly OutputPart[]): OutputView {
  return { parts, textBytes: 0, spoolPath: undefined, limited: false, losses: [] };
}

function run(
  phase: RunPhase,
  actions: readonly RunAction[],
  parts: readonly OutputPart[] = [],
): readonly KnownBlock[] {
  const view: RunView = {
    runId: '00000000-0000-4000-8000-000000000000',
    requester: 'U0123456789',
    kernelspec: 'python3-spark',
    phase,
    output: parts.length === 0 ? undefined : outputOf(parts),
    origin: { kind: 'again', blocks: ['1/0'] },
    code: { blocks: ['1/0'], language: 'python' },
    notes: ['The kernel was restarted; variables are gone.'],
    edition: 2,
    actions,
  };
  return renderRunMessage(view, NOW_MS).message.blocks;
}

const channel = 'C0123456789';
const languages = [
  { kernelspec: 'python3', displayName: 'Python 3', language: 'python', aliases: ['py'], isDefault: true },
];

export const samples: readonly Sample[] = [
  { name: 'a waiting run', blocks: run({ kind: 'waiting', ahead: 2, behind: 'U2' }, ['cancel', 'ask']) },
  {
    name: 'a question whether to switch',
    blocks: run({ kind: 'switchAsked', channel, from: 'python3', to: 'ir', maySwitch: true }, [
      'switch',
      'cancel',
    ]),
  },
  {
    name: 'a running run',
    blocks: run(
      { kind: 'running', sinceMs: NOW_MS - 5_000, stopping: false, stopIgnored: false },
      ['stop'],
      [text],
    ),
  },
  {
    name: 'a run that asks for a line',
    blocks: run(
      { kind: 'inputAsked', sinceMs: NOW_MS, untilMs: NOW_MS + 600_000, prompt: 'Name? ', password: false },
      ['answerInput', 'stop'],
    ),
  },
  {
    name: 'a run that ended',
    blocks: run({ kind: 'ended', outcome }, ['runAgain', 'editAndRun', 'delete'], [text, json]),
  },
  {
    name: 'a run that failed',
    blocks: run({ kind: 'ended', outcome: { ...outcome, kind: 'raised' } }, ['runAgain', 'delete'], [error]),
  },
  {
    name: 'the message of a slash command',
    blocks: renderRoot(
      {
        requester: 'U0123456789',
        language: 'Python 3',
        syntax: 'python',
        blocks: ['1 + 1'],
        result: 'Done · 0.05 s — 2',
      },
      13_000,
    ).blocks,
  },
  ...TABLE_FORMS.map((form) => ({ name: `a table as ${form}`, blocks: renderTable(table, form).blocks })),
  { name: 'the buttons of a kernel', blocks: [renderKernelButtons('kernel-1', NOW_MS)] },
  { name: 'the editor', view: renderEditor({}, { languages, blocks: [''] }) },
  {
    name: 'the box for a line',
    view: renderInputBox({ runId: 'run', requestId: 'request' }, { prompt: 'Name? ', password: false }),
  },
  { name: 'a window with a sentence', view: renderSentence('Guests may not use Sparkthread here.') },
  { name: 'a home tab that is closed', view: renderClosedHome('Guests may not use Sparkthread here.') },
];
