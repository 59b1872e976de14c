import { randomUUID } from 'node:crypto';
import { UserError } from '../../errors.ts';
import type { Kernelspecs } from '../../gateway/gateway.ts';
import { cellsThatMayRaise, type PostedNotebook } from '../../notebooks/model.ts';
import { summarizeCode } from '../../store/run-reader.ts';
import type { NewRun } from '../../store/store.ts';
import type { ChosenLanguage } from '../languages/languages.ts';
import type { Origin, Run, RunData, SavedUse, Snippet, Source } from '../run.ts';

export interface SnippetRequest {
  /** What Slack may repeat is known by this key. */
  requestKey: string;
  source: Source;
  workspace: string;
  channel: string;
  /** The root message's ts; '' for a source that has no message of its own. */
  thread: string;
  requester: string;
  snippet: Snippet;
  /** The request key of the requester's own message with the code, and which edit of it. */
  message?: string | undefined;
  editedTs?: string | undefined;
  /** Says that the answer begins with who and the code. */
  origin?: Origin | undefined;
  saved?: SavedUse | undefined;
  /** The run before an edit: this one takes its run message over when it has ended. */
  follows?: Run | undefined;
  /** False for a requester that cannot be asked anything (a bot). */
  attended?: boolean | undefined;
  /** False for a requester who may not replace the channel's kernel, unless nobody else has run code in it. */
  maySwitch?: boolean | undefined;
  /** Sentences for the head of the run message. */
  notes?: readonly string[];
}

/** The kernelspec that a run gets. */
export interface Chosen extends ChosenLanguage {
  /** As the kernelspec says them. */
  language: string | undefined;
  displayName: string | undefined;
}

export function withLanguage(chosen: ChosenLanguage, { list }: Kernelspecs): Chosen {
  const spec = list.find(({ name }) => name === chosen.kernelspec);
  return { ...chosen, language: spec?.language, displayName: spec?.displayName };
}

/** What a run's data says of its code, and of the language that was chosen for it. */
export function snippetData({ language: word, blocks, notebook }: Snippet, chosen: Chosen) {
  const { kernelspec, language, displayName, dialect } = chosen;
  return {
    kernelspec,
    language,
    displayName,
    dialect,
    word,
    ...summarizeCode(blocks),
    notebook: notebook === undefined ? undefined : notebookData(notebook),
  };
}

function notebookData({ name, notebook }: PostedNotebook): RunData['notebook'] {
  const mayRaise = cellsThatMayRaise(notebook);
  return { name, ...(mayRaise.length === 0 ? {} : { mayRaise }) };
}

/** A run as it is accepted: nothing has happened to it. */
export function newRun(request: SnippetRequest, queue: string, chosen: Chosen): NewRun<RunData> {
  const { requestKey, source, workspace, channel, thread, requester, snippet } = request;
  const { message, editedTs, follows, attended, origin, maySwitch, saved, notes = [] } = request;
  return {
    id: randomUUID(),
    workspace,
    channel,
    thread,
    queue,
    requester,
    createdAt: Date.now(),
    code: [...snippet.blocks],
    data: {
      source,
      ...snippetData(snippet, chosen),
      requestKey,
      edition: (follows?.data.edition ?? 0) + 1,
      message,
      editedTs,
      // Two kernels side by side run at once: there the run messages cannot be one.
      follows: follows?.queue === queue ? follows.id : undefined,
      attended,
      origin,
      maySwitch,
      saved,
      needsRoot: thread === '',
      block: 0,
      notes: [...notes],
    },
  };
}

/** The gateways drop a frame over 10 MiB without a word (protocol.md §2.3); the rest of the message needs room too. */
const MAX_MESSAGE_BYTES = 9 * 2 ** 20;

/**
 * Throws `UserError` (`emptySnippet`, `snippetTooLong`) for what cannot be run: without code, over `maxCodeBytes` of
 * UTF-8 in all blocks together, or with a block that no gateway takes.
 */
export function checkSnippet(snippet: Snippet, maxCodeBytes: number): void {
  if (snippet.blocks.every((block) => block.trim() === ''))
    throw new UserError(
      'emptySnippet',
      snippet.language === undefined
        ? 'There is no code to run.'
        : `There is no code after “${snippet.language}”. To make it the channel’s default: use ${snippet.language}.`,
    );
  const codeBytes = snippet.blocks.reduce((sum, block) => sum + Buffer.byteLength(block), 0);
  if (codeBytes > maxCodeBytes)
    throw new UserError(
      'snippetTooLong',
      `This code is too long: ${inMegabytes(codeBytes)} MB, and a run may have ${inMegabytes(maxCodeBytes)} MB. Nothing ran.`,
    );
  for (const block of snippet.blocks) {
    const bytes = Buffer.byteLength(JSON.stringify(block));
    if (bytes > MAX_MESSAGE_BYTES)
      throw new UserError(
        'snippetTooLong',
        `This code is too long for a kernel: ${(bytes / 2 ** 20).toFixed(1)} MiB, and at most 9 MiB go through. Nothing ran.`,
      );
  }
}

/** To a whole byte where that is what tells two numbers apart. */
function inMegabytes(bytes: number): string {
  return String(bytes / 1e6);
}
