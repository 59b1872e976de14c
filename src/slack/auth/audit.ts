import type { Run } from '../../runs/run.ts';
import type { Bot } from '../context.ts';

/** The audit line of what somebody did to another person's run, by whichever source (product.md §7). */
export function auditAct(act: 'stop' | 'delete' | 'switch', run: Run, user: string, bot: Bot): void {
  const { id, workspace, channel, requester, data } = run;
  bot.log.info(
    { audit: act, user, workspace, channel, run: id, requester, kernelspec: data.kernelspec },
    'somebody decided about another person’s run',
  );
}
