import type { Admitted, SnippetRequest } from '../../runs/admission/admission.ts';
import type { Bot } from '../context.ts';
import { must, type Person } from '../auth/policy.ts';
import { deletionDelivery } from './request-keys.ts';

/**
 * The last step of every source: may this person run code here, then into the ledger. Throws `UserError`, `GatewayError`
 * and `StoreError`; then nothing was accepted.
 */
export async function admit(
  request: Omit<SnippetRequest, 'workspace' | 'requester' | 'attended'>,
  person: Person,
  bot: Bot,
): Promise<Admitted> {
  const { workspace } = bot;
  must('run', person, request.channel, bot.policy);
  const admitted = await bot.admit({ ...request, workspace, requester: person.id, attended: !person.isBot });
  if (admitted.kind === 'accepted') {
    bot.noteChannel(request.channel);
    await takeBackDeleted(request, admitted.runId, bot);
  }
  return admitted;
}

/** The deletion of a message may come to another process while this one reads an edit of it: it did not see this run. */
async function takeBackDeleted(
  { message, editedTs }: Pick<SnippetRequest, 'message' | 'editedTs'>,
  runId: string,
  bot: Bot,
): Promise<void> {
  if (message === undefined || editedTs === undefined) return;
  if (!(await bot.isKnown(deletionDelivery(message)))) return;
  const run = await bot.findRun(runId);
  if (run !== undefined) await bot.erase(run);
}
