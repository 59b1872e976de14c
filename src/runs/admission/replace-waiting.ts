import { type AdmitDeps, chooseNow } from './admit.ts';
import { laneOf } from '../session/kernel-record.ts';
import { type Run, standsAside } from '../run.ts';
import { checkSnippet, type Snippet } from './snippet.ts';

/**
 * Puts the code of an edited message in the place of a run that the kernel has not got: it keeps its place in the queue.
 * Undefined when it is too late for that. Throws as `admitSnippet`.
 */
export async function replaceWaiting(
  waiting: Run,
  { snippet, editedTs }: { snippet: Snippet; editedTs: string },
  deps: AdmitDeps,
): Promise<Run | undefined> {
  checkSnippet(snippet, deps.limits.maxCodeBytes);
  const { workspace, channel } = waiting;
  const { kernelspec, language } = await chooseNow({ workspace, channel, snippet }, deps);
  const lane = laneOf(workspace, channel, kernelspec, deps.limits.kernelsPerChannel);
  let run: Run | undefined = waiting;
  while (run?.state === 'waiting') {
    // The next in line may be having its kernel started: that start is for the language it had.
    if (kernelspec !== run.data.kernelspec && (await isNext(run, deps))) return undefined;
    const data = {
      ...run.data,
      kernelspec,
      language,
      word: snippet.language,
      blocks: [...snippet.blocks],
      editedTs,
      switchAskedAt: undefined,
      switchAgreedBy: undefined,
    };
    const changed: Run | undefined = await deps.ledger.change(run, { lane, data, updatedAt: Date.now() });
    if (changed !== undefined) return changed;
    run = await deps.ledger.get(run.id);
  }
  return undefined;
}

async function isNext(run: Run, { ledger }: AdmitDeps): Promise<boolean> {
  const queue = await ledger.lane(run.lane);
  return queue.find((each) => !standsAside(each))?.id === run.id;
}
