import { withRetries } from '../api/call-error.ts';
import { metadataOf } from '../api/posted.ts';
import { type RunFile, TABLE_NAME } from '../blocks/run/attachments.ts';
import { isTableCut, renderTable, TABLE_FORMS } from '../blocks/run/output/table.ts';
import { renderAllRows } from '../blocks/run/run-buttons.ts';
import { tries } from './client.ts';
import { EditableMessage, type Owner, type Sending } from './editable-message.ts';
import { deleteFile, sizeOf, uploadFiles } from './upload-files.ts';

/** The run message that the files belong to. */
export interface FilesOwner extends Owner {
  /** Its files come after this message; absent: after the thread's first message. */
  messageTs?: string | undefined;
}

export interface Attached {
  /** Slack file ids, in the order of the output. */
  files: string[];
  /** ts of messages, in the same order. */
  replies: string[];
  /** What could not be posted, in words. */
  missing: { name: string; reason: string }[];
}

type TableFile = RunFile & { kind: 'table' };
type PlainFile = RunFile & { kind: 'file' };

/**
 * What is in the thread, by the key of its file: of a table what its message shows, and whether that is not all, of a
 * file the ids that its message still shows.
 */
export type InThread = Map<
  string,
  | { kind: 'table'; ts: string; version: string; isCut: boolean }
  | { kind: 'file'; id: string; shown: Set<string> }
>;

const TABLE_TRIES = 8;
/** Slack fails with an internal error from 15 on (python-slack-sdk#1653); its own clients send at most 10. */
const FILES_IN_ONE_MESSAGE = 10;

/**
 * Posts the files and tables of a run message into its thread, in order: consecutive files as one message, up to its
 * limit, and each table as its own, which is edited when it has changed. What was posted before late output replaced it
 * is removed.
 */
export async function attachFiles(
  sending: Sending,
  owner: FilesOwner,
  files: readonly RunFile[],
  attached: InThread,
): Promise<Attached> {
  const missing: Attached['missing'] = [];
  if (owner.mayExist && attached.size === 0) await findExisting(sending, owner, files, attached);
  // A display that is shown at two places is one file.
  const fresh = [...new Map(files.map((file) => [file.key, file])).values()].filter((file) => {
    const posted = attached.get(file.key);
    if (posted === undefined) return true;
    return posted.kind === 'table' && file.kind === 'table' && posted.version !== file.version;
  });
  for (const group of groupFiles(fresh)) {
    const [first] = group;
    const failed =
      first?.kind === 'table'
        ? await postTable(sending, owner, first, attached)
        : await postFiles(sending, owner, neededOf(group, attached), attached);
    for (const { file, reason } of failed)
      missing.push({ name: file.kind === 'table' ? TABLE_NAME : file.filename, reason });
  }
  if (missing.length === 0) await removeReplaced(sending, owner, files, attached);
  const keys = new Set([...files.map(({ key }) => key), ...attached.keys()]);
  const posted = [...keys].flatMap((key) => attached.get(key) ?? []);
  return {
    files: posted.flatMap((each) => (each.kind === 'file' ? [each.id] : [])),
    replies: posted.flatMap((each) => (each.kind === 'table' ? [each.ts] : [])),
    missing,
  };
}

/** What cannot be removed is tried again with the next late output, and goes with the run message. */
async function removeReplaced(
  { client, log }: Sending,
  { runId, place: { channel } }: FilesOwner,
  files: readonly RunFile[],
  attached: InThread,
): Promise<void> {
  const shown = new Set(files.map(({ key }) => key));
  for (const [key, posted] of attached) {
    if (shown.has(key)) continue;
    try {
      if (posted.kind === 'file') posted.shown.delete(posted.id);
      const messages =
        posted.kind === 'file'
          ? await withRetries(() => deleteFile(client.client, channel, posted.id))
          : [posted.ts];
      const isEmpty = posted.kind === 'table' || posted.shown.size === 0;
      for (const ts of isEmpty ? messages : []) await withRetries(() => client.remove(channel, ts));
      attached.delete(key);
    } catch (error) {
      log.warn({ event: 'message.outdated', err: error, run: runId }, 'a replaced file could not be removed');
    }
  }
}

/**
 * Finds files that are in the thread already, by name and size. Each counts once, because an earlier run may have the
 * same picture.
 */
async function findExisting(
  sending: Sending,
  owner: FilesOwner,
  files: readonly RunFile[],
  attached: InThread,
): Promise<void> {
  const plain = files.filter((file) => file.kind === 'file');
  if (plain.length === 0) return;
  await sending.looks.turn();
  // If the thread cannot be read, they are uploaded again: better twice than never.
  const there = await sending.client.filesIn(owner.place, owner.messageTs).catch(() => []);
  for (const file of plain) {
    const { key, filename } = file;
    const size = await sizeOf(file);
    const at = there.findIndex((each) => each.name === filename && each.size === size);
    const [found] = at === -1 ? [] : there.splice(at, 1);
    if (found !== undefined) attached.set(key, { kind: 'file', id: found.id, shown: found.shown });
  }
}

/** Consecutive files form a group; each table is a group of its own. */
function groupFiles(files: readonly RunFile[]): RunFile[][] {
  const groups: RunFile[][] = [];
  for (const file of files) {
    const last = groups.at(-1);
    const fits = file.kind === 'file' && last?.[0]?.kind === 'file' && last.length < FILES_IN_ONE_MESSAGE;
    if (fits) last.push(file);
    else groups.push([file]);
  }
  return groups;
}

/** Leaves out the CSVs of tables whose messages show all of them. */
function neededOf(group: readonly RunFile[], attached: InThread): PlainFile[] {
  return group
    .filter((file) => file.kind === 'file')
    .filter(({ wholeOf = '' }) => {
      const table = attached.get(wholeOf);
      return table?.kind !== 'table' || table.isCut;
    });
}

type Failed = { file: RunFile; reason: string }[];

/** Uploads files as one message. Returns those that are not in the thread. */
async function postFiles(
  { client }: Sending,
  { place }: FilesOwner,
  files: readonly PlainFile[],
  attached: InThread,
): Promise<Failed> {
  const { sent, failed } = await uploadFiles(client, place, files);
  const shown = new Set(sent.map(({ id }) => id));
  for (const { file, id } of sent) attached.set(file.key, { kind: 'file', id, shown });
  return failed;
}

/** Posts a table, or edits its message, in the first form that Slack takes. */
async function postTable(
  sending: Sending,
  owner: FilesOwner,
  file: TableFile,
  attached: InThread,
): Promise<Failed> {
  const { runId } = owner;
  const posted = attached.get(file.key);
  const ts = posted?.kind === 'table' ? posted.ts : undefined;
  const metadata = metadataOf('table', runId, { table: file.key });
  let reason = '';
  for (const form of TABLE_FORMS) {
    if (form === 'data_table' && sending.client.takesDataTables === false) continue;
    const message = new EditableMessage(sending, { ...owner, metadata, ts, isFixed: form !== 'text' });
    const sent = await message.send(() => {
      const { text, blocks } = renderTable(file.part, form);
      return { text, blocks: [...blocks, ...renderAllRows(runId, file.part)] };
    }, tries(TABLE_TRIES));
    const isTaken = sent.kind === 'posted';
    const isTooLong = sent.kind === 'refused' && sent.refusal === 'tooLong';
    if (form === 'data_table' && (isTaken || isTooLong)) sending.client.takesDataTables ??= isTaken;
    if (isTaken) {
      const isCut = isTableCut(file.part, form);
      attached.set(file.key, { kind: 'table', ts: sent.ts, version: file.version, isCut });
      return [];
    }
    reason = sent.kind === 'refused' ? sent.code : sent.reason;
    if (!isTooLong) break;
  }
  return [{ file, reason }];
}
