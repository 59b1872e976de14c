import { metadataOf } from '../api/posted.ts';
import type { RunFile } from '../blocks/run/attachments.ts';
import { renderTable, TABLE_FORMS } from '../blocks/run/output/table.ts';
import { renderAllRows } from '../blocks/run/run-buttons.ts';
import { tries } from './client.ts';
import { EditableMessage, type Owner, type Sending } from './editable-message.ts';
import { sizeOf, uploadFiles } from './upload-files.ts';

/** The run message that files belong to. */
export interface FilesOwner extends Owner {
  /** What belongs to it stands behind it; absent: behind the thread's first message. */
  messageTs?: string | undefined;
}

export interface Attached {
  /** Slack file ids. */
  files: string[];
  /** ts of messages. */
  replies: string[];
  /** What could not be brought into the thread, in words. */
  missing: { name: string; reason: string }[];
}

type TableFile = RunFile & { kind: 'table' };

const TABLE_TRIES = 8;
/** Slack answers with an internal error from 15 on (python-slack-sdk#1653), and its own clients send 10 at most. */
const FILES_IN_ONE_MESSAGE = 10;

/**
 * Brings what belongs to a run message into its thread, in order: files in a row as one message (if they are not too
 * many), a table as one of its own. `attached` remembers what is there already, over several endings (late output).
 */
export async function attachFiles(
  sending: Sending,
  owner: FilesOwner,
  files: readonly RunFile[],
  attached: Set<string>,
): Promise<Attached> {
  const done: Attached = { files: [], replies: [], missing: [] };
  const existing = owner.mayExist && attached.size === 0 ? await findExisting(sending, owner, files) : [];
  done.files.push(...existing.map(({ id }) => id));
  for (const { key } of existing) attached.add(key);
  const fresh = files.filter((file) => !attached.has(file.key));
  for (const group of groupFiles(fresh)) {
    const [first] = group;
    const isTable = first?.kind === 'table';
    const { ids, failed } = isTable
      ? await postTable(sending, owner, first)
      : await uploadFiles(
          sending.client,
          owner.place,
          group.filter((file) => file.kind === 'file'),
        );
    done[isTable ? 'replies' : 'files'].push(...ids);
    for (const { file, reason } of failed)
      done.missing.push({ name: file.kind === 'table' ? 'A table' : file.filename, reason });
    for (const file of group) if (!failed.some((each) => each.file === file)) attached.add(file.key);
  }
  return done;
}

/** Files that are in the thread already, known by name and size; an earlier run's picture may be the very same. */
async function findExisting(
  sending: Sending,
  owner: FilesOwner,
  files: readonly RunFile[],
): Promise<{ key: string; id: string }[]> {
  const plain = files.filter((file) => file.kind === 'file');
  if (plain.length === 0) return [];
  await sending.looks.turn();
  // Where the thread may not be read they are uploaded again: better twice than not at all.
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

/** Files that follow each other go up together; a table is a group of its own. */
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

/** Offered in each form until Slack takes one. */
async function postTable(
  sending: Sending,
  owner: FilesOwner,
  file: TableFile,
): Promise<{ ids: string[]; failed: { file: RunFile; reason: string }[] }> {
  const { runId } = owner;
  const metadata = metadataOf('table', runId, { table: file.key });
  let reason = '';
  for (const form of TABLE_FORMS) {
    if (form === 'data_table' && sending.client.takesDataTables === false) continue;
    const message = new EditableMessage(sending, { ...owner, metadata, isFixed: form !== 'text' });
    const sent = await message.send(() => {
      const { text, blocks } = renderTable(file.part, form);
      return { text, blocks: [...blocks, ...renderAllRows(runId, file.part)] };
    }, tries(TABLE_TRIES));
    const isTaken = sent.kind === 'posted';
    if (form === 'data_table' && sent.kind !== 'wait') sending.client.takesDataTables ??= isTaken;
    if (isTaken) return { ids: [sent.ts], failed: [] };
    reason = sent.kind === 'refused' ? sent.code : sent.reason;
    if (sent.kind !== 'refused' || sent.refusal !== 'tooLong') break;
  }
  return { ids: [], failed: [{ file, reason }] };
}
