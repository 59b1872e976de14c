import { withRetries } from '../api/call-error.ts';
import { metadataOf } from '../api/posted.ts';
import type { RunFile } from '../blocks/run/attachments.ts';
import { renderTable, TABLE_FORMS } from '../blocks/run/output/table.ts';
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
  /** Slack ids of all files that are in the thread now. */
  files: string[];
  /** ts of new messages. */
  replies: string[];
  /** What could not be posted, in words. */
  missing: { name: string; reason: string }[];
}

type TableFile = RunFile & { kind: 'table' };

/** `together`: the ids of all files of its message. */
interface AttachedFile {
  id: string;
  filename: string;
  together: readonly string[];
}

/** What was posted when the run ended before (late output), by key; of a table what its message shows. */
export type InThread = Map<string, { ts: string; version: string } | AttachedFile>;

const TABLE_TRIES = 8;
/** Slack fails with an internal error from 15 on (python-slack-sdk#1653); its own clients send at most 10. */
const FILES_IN_ONE_MESSAGE = 10;

/**
 * Posts the files and tables of a run message into its thread, in order: consecutive files as one message, up to its
 * limit, and each table as its own, which is edited when it has changed. A file that has changed replaces the one of its
 * name.
 */
export async function attachFiles(
  sending: Sending,
  owner: FilesOwner,
  files: readonly RunFile[],
  attached: InThread,
): Promise<Attached> {
  const replies: string[] = [];
  const missing: Attached['missing'] = [];
  const existing = owner.mayExist && attached.size === 0 ? await findExisting(sending, owner, files) : [];
  // Which of them share a message is not known.
  for (const { key, ...file } of existing)
    attached.set(key, { ...file, together: existing.map(({ id }) => id) });
  const fresh = files.filter((file) => {
    const before = attached.get(file.key);
    if (before === undefined) return true;
    return file.kind === 'table' && 'version' in before && before.version !== file.version;
  });
  for (const group of groupFiles(fresh)) {
    const [first] = group;
    if (first?.kind === 'table') {
      const { ids, failed } = await postTable(sending, owner, first, attached);
      replies.push(...ids);
      for (const reason of failed) missing.push({ name: 'A table', reason });
      continue;
    }
    const plain = group.filter((file) => file.kind === 'file');
    const { sent, failed } = await uploadFiles(sending.client, owner.place, plain);
    for (const { file, reason } of failed) missing.push({ name: file.filename, reason });
    const together = sent.map(({ id }) => id);
    for (const { file, id } of sent) {
      await removeReplaced(sending, owner, file.filename, files, attached);
      attached.set(file.key, { id, filename: file.filename, together });
    }
  }
  return { files: filesOf(attached).map(([, { id }]) => id), replies, missing };
}

function filesOf(attached: InThread): [key: string, file: AttachedFile][] {
  return [...attached].flatMap(([key, each]) => ('id' in each ? [[key, each]] : []));
}

/** Removes a file of this name that the run no longer has, and its message with the last of its files. */
async function removeReplaced(
  { client, log }: Sending,
  { runId, place: { channel } }: FilesOwner,
  filename: string,
  files: readonly RunFile[],
  attached: InThread,
): Promise<void> {
  const isGone = ([key, file]: [string, AttachedFile]): boolean =>
    file.filename === filename && !files.some((each) => each.key === key);
  const [key, replaced] = filesOf(attached).find(isGone) ?? [];
  if (key === undefined || replaced === undefined) return;
  try {
    const messages = await withRetries(() => deleteFile(client.client, channel, replaced.id));
    attached.delete(key);
    const isEmpty = !filesOf(attached).some(([, { id }]) => replaced.together.includes(id));
    if (isEmpty) for (const ts of messages) await withRetries(() => client.remove(channel, ts));
  } catch (error) {
    log.warn({ event: 'file.unreplaced', run: runId, err: error }, 'a replaced file could not be removed');
  }
}

/**
 * Files that are in the thread already, found by name and size. Each counts once, because an earlier run may have the
 * same picture.
 */
async function findExisting(
  sending: Sending,
  owner: FilesOwner,
  files: readonly RunFile[],
): Promise<{ key: string; id: string; filename: string }[]> {
  const plain = files.filter((file) => file.kind === 'file');
  if (plain.length === 0) return [];
  await sending.looks.turn();
  // If the thread cannot be read, they are uploaded again: better twice than never.
  const there = await sending.client.filesIn(owner.place, owner.messageTs).catch(() => []);
  const existing: { key: string; id: string; filename: string }[] = [];
  for (const file of plain) {
    const { key, filename } = file;
    const size = await sizeOf(file);
    const at = there.findIndex((each) => each.name === filename && each.size === size);
    const [found] = at === -1 ? [] : there.splice(at, 1);
    if (found !== undefined) existing.push({ key, id: found.id, filename });
  }
  return existing;
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

/** Posts a table, or edits its message, in the first form that Slack takes. `ids`: the message, if it is a new one. */
async function postTable(
  sending: Sending,
  owner: FilesOwner,
  file: TableFile,
  attached: InThread,
): Promise<{ ids: string[]; failed: string[] }> {
  const { runId } = owner;
  const before = attached.get(file.key);
  const ts = before !== undefined && 'ts' in before ? before.ts : undefined;
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
      attached.set(file.key, { ts: sent.ts, version: file.version });
      return { ids: sent.ts === ts ? [] : [sent.ts], failed: [] };
    }
    reason = sent.kind === 'refused' ? sent.code : sent.reason;
    if (!isTooLong) break;
  }
  return { ids: [], failed: [reason] };
}
