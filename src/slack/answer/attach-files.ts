import type { AnswerOptions } from '../../runs/run-view.ts';
import type { AnswerFile } from './answer-files.ts';
import type { SlackCalls } from './slack-calls.ts';
import { uploadFiles } from './upload-files.ts';

/** What could not be brought into the thread, in words. */
export interface MissingFile {
  name: string;
  reason: string;
}

/**
 * Brings what belongs to an answer into its thread, in order. `attached` remembers what stands there already, over
 * several endings of one answer (late output).
 */
export async function attachFiles(
  shared: { calls: SlackCalls },
  options: AnswerOptions,
  files: readonly AnswerFile[],
  attached: Set<string>,
): Promise<MissingFile[]> {
  const fresh = files.flatMap((file) => (file.kind === 'file' && !attached.has(file.path) ? [file] : []));
  const failed = await uploadFiles(shared.calls, options.place, fresh);
  for (const file of fresh) {
    if (!failed.some((each) => each.file === file)) attached.add(file.path);
  }
  return failed.map(({ file, reason }) => ({ name: file.filename, reason }));
}
