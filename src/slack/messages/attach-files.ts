import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerOptions } from '../../runs/run-view.ts';
import type { AnswerFile } from './attachments.ts';
import { renderTable } from '../blocks/run/table.ts';
import { StandingMessage, type MessageMeans } from './editable-message.ts';
import { uploadFiles } from './upload-files.ts';

/** What could not be brought into the thread, in words. */
interface MissingFile {
  name: string;
  reason: string;
}

/** What stands in the thread beside an answer now. */
export interface Attached {
  /** Slack file ids. */
  files: string[];
  /** ts of messages. */
  replies: string[];
  missing: MissingFile[];
}

const tableTries = 8;

/**
 * Brings what belongs to an answer into its thread, in order: files in a row as one message (if they are not too
 * many), a table as one of its own. `attached` remembers what stands there already, over several endings of one answer (late output).
 */
export async function attachFiles(
  means: MessageMeans,
  options: AnswerOptions,
  files: readonly AnswerFile[],
  attached: Set<string>,
): Promise<Attached> {
  const done: Attached = { files: [], replies: [], missing: [] };
  const standing = options.recovered && attached.size === 0 ? await findStanding(means, options, files) : [];
  done.files.push(...standing.map(({ id }) => id));
  for (const { key } of standing) attached.add(key);
  const fresh = files.filter((file) => !attached.has(file.key));
  for (const group of groupFiles(fresh)) {
    const isTable = group.kind === 'table';
    const { ids, failed } = isTable
      ? await postTable(means, options, group)
      : await uploadFiles(means.calls, options.place, group.files);
    done[isTable ? 'replies' : 'files'].push(...ids);
    done.missing.push(...failed.map(({ file, reason }) => ({ name: nameOf(file), reason })));
    for (const file of isTable ? [group] : group.files) {
      if (!failed.some((each) => each.file === file)) attached.add(file.key);
    }
  }
  return done;
}

/** A bot that died may have brought some of the files already: known by name and size. */
async function findStanding(
  means: MessageMeans,
  options: AnswerOptions,
  files: readonly AnswerFile[],
): Promise<{ key: string; id: string }[]> {
  // who may not look uploads again: better twice than not at all
  const there = await means.calls.filesIn(options.place).catch(() => []);
  const standing: { key: string; id: string }[] = [];
  for (const file of files) {
    const size = file.kind === 'file' ? (await stat(file.path).catch(() => undefined))?.size : undefined;
    const at = there.findIndex(
      (each) => file.kind === 'file' && each.name === file.filename && each.size === size,
    );
    const [found] = at === -1 ? [] : there.splice(at, 1);
    if (found !== undefined) standing.push({ key: file.key, id: found.id });
  }
  return standing;
}

type TableFile = AnswerFile & { kind: 'table' };
type PlainFile = AnswerFile & { kind: 'file' };

/** Slack answers with an internal error from 15 on (python-slack-sdk#1653), and its own clients send 10 at most. */
const filesInOneMessage = 10;

/** Files that follow each other go up together. */
function groupFiles(files: readonly AnswerFile[]): (TableFile | { kind: 'files'; files: PlainFile[] })[] {
  const groups: (TableFile | { kind: 'files'; files: PlainFile[] })[] = [];
  for (const file of files) {
    const last = groups.at(-1);
    if (file.kind === 'table') groups.push(file);
    else if (last?.kind === 'files' && last.files.length < filesInOneMessage) last.files.push(file);
    else groups.push({ kind: 'files', files: [file] });
  }
  return groups;
}

async function postTable(
  means: MessageMeans,
  options: AnswerOptions,
  file: TableFile,
): Promise<{ ids: string[]; failed: { file: TableFile; reason: string }[] }> {
  const payload = { run: options.runId, table: file.key };
  const { answerTs: _, ...place } = options.place;
  const message = new StandingMessage(means, {
    runId: options.runId,
    place,
    find: () => means.calls.find(place, 'sparkthread_table', payload),
    mayStand: options.recovered,
    onPosted: () => {},
  });
  let reason = '';
  for (let attempt = 0; attempt < tableTries; attempt += 1) {
    const tried = await message.attempt(
      (shrink) => ({
        ...renderTable(file.part, shrink > 0),
        metadata: { event_type: 'sparkthread_table', event_payload: payload },
      }),
      'end',
    );
    if (tried.kind === 'stands') return { ids: [tried.ts], failed: [] };
    if (tried.kind === 'refused') return { ids: [], failed: [{ file, reason: tried.code }] };
    reason = tried.reason;
    await sleep(tried.ms);
  }
  return { ids: [], failed: [{ file, reason }] };
}

function nameOf(file: AnswerFile): string {
  return file.kind === 'table' ? 'A table' : file.filename;
}
