import type { ExportedOutput, ExportedRun } from '../../notebooks/export.ts';
import type { Run } from '../../runs/run.ts';
import { sqlInNotebook } from '../../spark/sql/kernel-code.ts';
import { joinWords } from '../../text.ts';
import { answerLink } from '../blocks/run-summary.ts';
import { RESULTS_FILE, STREAM_FILE } from '../blocks/run/attachments.ts';
import { endOf, statusLine } from '../blocks/run/run-text.ts';
import type { Bot } from '../context.ts';
import { type AnswerPart, readAnswerParts, readTable, splitError } from './read-answer.ts';
import type { ThreadFile, ThreadMessage } from './threads.ts';

/** How much an export downloads in all and of one file. The notebook says what stayed in Slack. */
const MAX_BYTES = 50_000_000;
const MAX_FILE_BYTES = 10_000_000;
const AT_ONCE = 8;

/** Runs, oldest first, with the outputs that Slack still has. */
export async function collectRuns(runs: readonly Run[], bot: Bot): Promise<ExportedRun[]> {
  const threads = new Map<string, Promise<ThreadMessage[] | undefined>>();
  const messagesOf = ({ channel, thread }: Run): Promise<ThreadMessage[] | undefined> => {
    const asked = threads.get(thread) ?? bot.threads.messages({ channel, thread }).catch(() => undefined);
    threads.set(thread, asked);
    return asked;
  };
  const room = { bytes: MAX_BYTES };
  const collected: ExportedRun[] = [];
  for (let at = 0; at < runs.length; at += AT_ONCE) {
    const some = runs.slice(at, at + AT_ONCE).map(async (run) => {
      const messages = run.thread === '' ? [] : await messagesOf(run);
      return await collectRun(run, messages, room, bot);
    });
    collected.push(...(await Promise.all(some)));
  }
  return collected;
}

async function collectRun(
  run: Run,
  messages: readonly ThreadMessage[] | undefined,
  room: { bytes: number },
  bot: Bot,
): Promise<ExportedRun> {
  const { data } = run;
  const [code, person, outputs] = await Promise.all([
    bot.runs.code(run),
    bot.users.find(run.requester),
    collectOutputs(run, messages, room, bot),
  ]);
  const { outcome, block, blockCount, executionCount, kernelspec, language } = data;
  const isWhole = outcome?.kind === 'ok';
  return {
    heading: headingOf(run, person.name ?? run.requester, bot.workspaceUrl),
    kernelspec,
    language,
    code: code.map((text) => inNotebook(text, data)),
    begun: isWhole ? blockCount : block + 1,
    executionCount,
    hasFailed: outcome !== undefined && !isWhole,
    outputs,
  };
}

/** The code in a form that runs without the bot. */
function inNotebook(text: string, { origin, dialect, language = '' }: Run['data']): string {
  if (origin === 'allRows') return '# All rows of a table';
  return dialect === undefined ? text : sqlInNotebook(text, language);
}

/** `**ana** · 2026-03-02 08:00 UTC · Done · 4.3 s · In [3] · python3` */
function headingOf(run: Run, name: string, workspaceUrl: string): string {
  const { data, createdAt } = run;
  const when = `${new Date(data.startedAt ?? createdAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const how =
    data.outcome === undefined
      ? `not ended yet · ${data.kernelspec}`
      : statusLine(data.edition, data.outcome);
  const link = answerLink(run, workspaceUrl);
  const place = link === undefined ? '' : `[in Slack](${link})`;
  return joinWords(' · ', [`**${escapeMarkdown(name)}**`, when, escapeMarkdown(how), place]);
}

export function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>#|~]/g, '\\$&').replaceAll(/\s+/g, ' ');
}

async function collectOutputs(
  run: Run,
  messages: readonly ThreadMessage[] | undefined,
  room: { bytes: number },
  bot: Bot,
): Promise<ExportedOutput[]> {
  const { data } = run;
  if (data.outcome === undefined) return [note('this run has not ended yet')];
  if (messages === undefined) return [note('the answer of this run could not be read from Slack')];
  const answer = messages.find(({ ts }) => ts === data.messageTs);
  if (answer === undefined) return [note('the answer of this run is not in Slack any more')];
  const files = (data.files ?? []).map(
    (id) => messages.flatMap((message) => message.files).find((file) => file.id === id) ?? goneFile(id),
  );
  const tables = (data.replies ?? []).flatMap((ts) => messages.find((message) => message.ts === ts) ?? []);
  const fetched = new Map(
    await Promise.all(files.map(async (file) => [file.id, await fetchFile(file, room, bot)] as const)),
  );
  const parts = readAnswerParts(answer.blocks, data.origin !== undefined);
  const shown = tables.map(async (table) => (await readTable(table.blocks)) ?? textOf(table));
  const read = (await Promise.all(shown)).flat();
  const outputs = placeOutputs(
    parts,
    files.map((file) => ({ file, output: fetched.get(file.id) ?? note('a file could not be read') })),
    read,
    endOf(data.outcome) === 'failed' && data.outcome.kind === 'raised',
  );
  // A reply that is gone may also have been a notice that the run had ended.
  const mentioned = parts.filter(({ kind }) => kind === 'table').length;
  const missing = Math.min(mentioned - read.length, (data.replies ?? []).length - tables.length);
  if (missing <= 0) return outputs;
  return [
    ...outputs,
    note(`${missing === 1 ? 'a table is' : `${missing} tables are`} not in Slack any more`),
  ];
}

/** A table that was posted as text; nothing for a notice that the run has ended. */
function textOf({ blocks }: ThreadMessage): ExportedOutput[] {
  const text = readAnswerParts(blocks, false).flatMap((part) => (part.kind === 'text' ? [part.text] : []));
  return text.length === 0 ? [] : [{ kind: 'stream', name: 'stdout', text: `${text.join('\n')}\n` }];
}

interface FetchedFile {
  file: ThreadFile;
  output: ExportedOutput;
}

/**
 * The outputs in the order of the answer, with pictures and tables where it mentions them. An attached file with the
 * whole text replaces what the message shows of the text. An error comes last, as from the kernel.
 */
function placeOutputs(
  parts: readonly AnswerPart[],
  files: readonly FetchedFile[],
  tables: readonly ExportedOutput[],
  hasRaised: boolean,
): ExportedOutput[] {
  const isPicture = ({ file }: FetchedFile): boolean => PICTURES.has(file.mimetype);
  const pictures = files.filter(isPicture).map(({ output }) => output);
  const whole = files.filter(({ file }) => file.name === STREAM_FILE || file.name === RESULTS_FILE);
  const others = files.filter((each) => !isPicture(each) && !whole.includes(each));
  const waiting = [...tables];
  const { others: shown, error } = hasRaised ? splitError(parts) : { others: parts, error: undefined };
  const outputs: ExportedOutput[] = whole.map(({ output }) => output);
  const hasWhole = whole.some(({ output }) => output.kind === 'stream');
  for (const part of shown) {
    if (part.kind === 'images') outputs.push(...takePictures(pictures, part.count));
    else if (part.kind === 'table') outputs.push(...waiting.splice(0, 1));
    else if (hasWhole) continue;
    else if (part.kind === 'hidden') outputs.push(note(part.words));
    // A message leaves out the last line break.
    else outputs.push({ kind: 'stream', name: part.name, text: part.text.replace(/\n?$/, '\n') });
  }
  outputs.push(...pictures, ...waiting, ...others.map(({ output }) => output));
  return error === undefined ? outputs : [...outputs, errorOf(error)];
}

/** Takes as many pictures as the answer mentions, with a note about missing ones. */
function takePictures(pictures: ExportedOutput[], count: number): ExportedOutput[] {
  const taken = pictures.splice(0, count);
  const missing = count - taken.length;
  if (missing === 0) return taken;
  return [...taken, note(missing === 1 ? 'a picture is not here' : `${missing} pictures are not here`)];
}

/** `ZeroDivisionError: division by zero`, and the lines that the answer shows below it. */
function errorOf(shown: string): ExportedOutput {
  const traceback = shown.split('\n');
  const [first = ''] = traceback;
  const [, name = 'Error', value = first] = /^([\w.$]+)(?:: ?|$)(.*)$/.exec(first) ?? [];
  return { kind: 'error', name, value, traceback };
}

/** The pictures that a notebook can show. */
const PICTURES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif']);

async function fetchFile(
  file: ThreadFile,
  room: { bytes: number },
  { threads }: Bot,
): Promise<ExportedOutput> {
  const { name, mimetype, size, permalink } = file;
  if (file.isGone) return note(`${name === '' ? 'a file' : `the file ${name}`} is not in Slack any more`);
  const isPicture = PICTURES.has(mimetype);
  if (!isPicture && name !== STREAM_FILE && name !== RESULTS_FILE)
    return note(`the file ${name} is in Slack: ${permalink}`);
  if (size > MAX_FILE_BYTES || size > room.bytes)
    return note(`the file ${name} is too large to be here: ${permalink}`);
  room.bytes -= size;
  try {
    const bytes = await threads.download(file, MAX_FILE_BYTES);
    if (!isPicture) return { kind: 'stream', name: 'stdout', text: bytes.toString() };
    return { kind: 'display', data: { [mimetype]: bytes.toString('base64'), 'text/plain': file.alt } };
  } catch {
    return note(`the file ${name} could not be read: ${permalink}`);
  }
}

function goneFile(id: string): ThreadFile {
  return { id, name: '', mimetype: '', size: 0, url: undefined, permalink: '', alt: '', isGone: true };
}

function note(words: string): ExportedOutput {
  return { kind: 'note', words };
}
