import type { Admitted, SnippetRequest } from '../../runs/admit-snippet.ts';
import type { Bot } from '../bot.ts';
import { must, type Person } from '../policy.ts';

/**
 * The last step of every door: may this person run code here, then into the ledger. Throws `UserError`, `GatewayError`
 * and `StoreError`; then nothing was accepted.
 */
export async function admit(
  request: Omit<SnippetRequest, 'workspace' | 'runner' | 'attended'>,
  person: Person,
  bot: Bot,
): Promise<Admitted> {
  const { workspace } = bot;
  must('run', person, request.channel, bot.policy);
  const admitted = await bot.admit({ ...request, workspace, runner: person.id, attended: !person.isBot });
  if (admitted.kind === 'accepted') noteChannel(request.channel, bot);
  return admitted;
}

/** Keeps the channel's name of today, so that `restart #data` finds it. Nobody waits for that. */
function noteChannel(channel: string, bot: Bot): void {
  const { workspace, channels, seenChannels, log } = bot;
  const noted = channels.find(channel).then(async (facts) => {
    if (facts?.name === undefined) return;
    await seenChannels.note({ workspace, id: channel, name: facts.name, isPrivate: facts.isPrivate });
  });
  noted.catch((error: unknown) => log.info({ err: error, channel }, 'a channel’s name was not noted'));
}
