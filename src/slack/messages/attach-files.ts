import { metadataOf } from '../api/posted.ts';
import type { RunFile } from '../blocks/run/attachments.ts';
import { renderTable, TABLE_FORMS } from '../blocks/run/output/table.ts';
import { renderAllRows } from '../blocks/run/run-buttons.ts';
import { tries } from './client.ts';
import { EditableMessage, type Owner, type Sending } from './editable-message.ts';
import { sizeOf, uploadFiles } from './upload-files.ts';

/** The run message that the files belong to. */
export interface FilesOwner extends Owner {
  /** Its files come after this message; absent: after the thread's first message. */
  messageTs?: string | undefined;
}

export interface Attached {
  /** Slack file ids. */
  files: string[];
  /** ts of messages. */
  replies: string[];
  /** What could not be posted, in words. */
  missing: { name: string; reason: string }[];
}

type TableFile = RunFile & { kind: 'table' };

/** What was posted when the run ended before (late output): the keys, and of a table what its message shows. */
export type InThread = Map<string, { ts: string; version: string } | undefined>;

const TABLE_TRIES = 8;
/** Slack fails with an internal error from 15 on (python-slack-sdk#1653); its own clients send at most 10. */
const FILES_IN_ONE_MESSAGE = 10;

/**
 * Posts the files and tables of a run message into its thread, in order: consecutive files as one message, up to its
 * limit, and each table as its own, which is edited when it has changed.
 */
export async function attachFiles(
  sending: Sending,
  owner: FilesOwner,
  files: readonly RunFile[],
  attached: InThread,
): Promise<Attached> {
  const done: Attached = { files: [], replies: [], missing: [] };
  const existing = owner.mayExist && attached.size === 0 ? await findExisting(sending, owner, files) : [];
  done.files.push(...existing.map(({ id }) => id));
  for (const { key } of existing) attached.set(key, undefined);
  const fresh = files.filter(
    (file) =>
      !attached.has(file.key) || (file.kind === 'table' && attached.get(file.key)?.version !== file.version),
  );
  for (const group of groupFiles(fresh)) {
    const [first] = group;
    const isTable = first?.kind === 'table';
    const { ids, failed } = isTable
      ? await postTable(sending, owner, first, attached)
      : await uploadFiles(
          sending.client,
          owner.place,
          group.filter((file) => file.kind === 'file'),
        );
    done[isTable ? 'replies' : 'files'].push(...ids);
    for (const { file, reason } of failed)
      done.missing.push({ name: file.kind === 'table' ? 'A table' : file.filename, reason });
    for (const file of group)
      if (file.kind === 'file' && !failed.some((each) => each.file === file))
        attached.set(file.key, undefined);
  }
  return done;
}

/**
 * Files that are in the thread already, found by name and size. Each counts once, because an earlier run may have the
 * same picture.
 */
async function findExisting(
  sending: Sending,
  owner: FilesOwner,
  files: readonly RunFile[],
): Promise<{ key: string; id: string }[]> {
  const plain = files.filter((file) => file.kind === 'file');
  if (plain.length === 0) return [];
  await sending.looks.turn();
  // If the thread cannot be read, they are uploaded again: better twice than never.
  const there = await sending.client.filesIn(owner.place, owner.messageTs).catch(() => []);
  const existing: { key: string; id: string }[] = [];
  for (const file of plain) {
    const { key, filename } = file;
    const size = await sizeOf(file);
    const at = there.findIndex((each) => each.name === filename && each.size === size);
    const [found] = at === -1 ? [] : there.splice(at, 1);
    if (found !== undefined) existing.push({ key, id: found.id });
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
): Promise<{ ids: string[]; failed: { file: RunFile; reason: string }[] }> {
  const { runId } = owner;
  const ts = attached.get(file.key)?.ts;
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
  return { ids: [], failed: [{ file, reason }] };
}
