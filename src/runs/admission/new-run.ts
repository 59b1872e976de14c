import { randomUUID } from 'node:crypto';
import { UserError } from '../../errors.ts';
import { cellsThatMayRaise, type PostedNotebook } from '../../notebooks/model.ts';
import { summarizeCode } from '../../store/run-reader.ts';
import type { NewRun } from '../../store/store.ts';
import type { ChosenLanguage } from '../languages/languages.ts';
import type { Origin, Run, RunData, SavedUse, Snippet, Source } from '../run.ts';

export interface SnippetRequest {
  /** Identifies the request, which Slack may repeat. */
  requestKey: string;
  source: Source;
  workspace: string;
  channel: string;
  /** The ts of the root message; '' if the request has no message. */
  thread: string;
  requester: string;
  snippet: Snippet;
  /** The request key of the requester's own message with the code, and the edit of it. */
  message?: string | undefined;
  editedTs?: string | undefined;
  /** If given, the answer begins with the requester and the code. */
  origin?: Origin | undefined;
  saved?: SavedUse | undefined;
  /** The run before an edit. This run takes over its run message when that run has ended. */
  follows?: Run | undefined;
  /** False for a requester that cannot be asked anything (a bot). */
  attended?: boolean | undefined;
  /** False for a requester who may not replace the channel's kernel, unless nobody else has run code in it. */
  maySwitch?: boolean | undefined;
  /** Sentences for the top of the run message. */
  notes?: readonly string[];
}

/** What an edit of a message changes of the run that waits. */
export type EditedCode = Pick<SnippetRequest, 'snippet' | 'editedTs' | 'saved' | 'origin' | 'notes'>;

/** The part of a run's data about its code and language. */
export function snippetData({ language: word, blocks, notebook }: Snippet, chosen: ChosenLanguage) {
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

/** The run that is to be accepted. */
export function newRun(request: SnippetRequest, queue: string, chosen: ChosenLanguage): NewRun<RunData> {
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
      // Runs on two kernels may run at the same time and cannot share a run message.
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

/** Gateways silently drop a frame over 10 MiB (protocol.md §2.3). The rest of the message needs room too. */
const MAX_MESSAGE_BYTES = 9 * 2 ** 20;

/**
 * Throws `UserError` (`emptySnippet`, `snippetTooLong`) if there is no code, if all blocks together are over `maxCodeBytes` of
 * UTF-8, or if one block is too large for a gateway.
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

/** With all digits, because two sizes may differ by one byte. */
function inMegabytes(bytes: number): string {
  return String(bytes / 1e6);
}
