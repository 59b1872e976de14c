import type { PostedNotebook } from '../../notebooks/notebook-store.ts';
import type { Run } from '../../runs/run.ts';
import type { Bot } from '../context.ts';

/** The notebook of a run that is run again. */
export async function notebookOf(run: Run, bot: Bot): Promise<PostedNotebook | undefined> {
  const { notebook: posted } = run.data;
  const notebook = posted === undefined ? undefined : await bot.notebook(run);
  return posted === undefined || notebook === undefined ? undefined : { name: posted.name, notebook };
}
