import { UserError } from '../../errors.ts';
import type { Bot } from '../context.ts';

/**
 * The channel that `#data` or an id means, for a command given in another one. Throws `UserError('unknownChannel')` for
 * what is not known, fits several, or is closed to the asker: of a private channel not even its being is told.
 */
export async function resolveChannel(reference: string, user: string, bot: Bot): Promise<string> {
  const { workspace, seenChannels, control } = bot;
  const isName = reference.startsWith('#');
  const ids = isName
    ? (await seenChannels.named(workspace, reference.slice(1))).map(({ id }) => id)
    : [reference];
  const open: string[] = [];
  for (const id of ids) {
    // A channel that was renamed since is not the one that is meant now.
    const isStill = !isName || (await bot.channels.find(id))?.name === reference.slice(1);
    if (isStill && (await bot.channels.isOpenTo(id, user))) open.push(id);
  }
  const [id, ...others] = open;
  if (others.length > 0)
    throw new UserError(
      'unknownChannel',
      `Several channels are called ${reference} here. Give the id of the one you mean: ${open.join(', ')}.`,
    );
  const isKnown =
    id !== undefined &&
    (isName ||
      (await seenChannels.find(workspace, id)) !== undefined ||
      (await control.status(workspace, id)).length > 0);
  if (!isKnown)
    throw new UserError(
      'unknownChannel',
      `No channel ${reference} is known here: nobody has run code in it, or you are not in it. Nothing was changed.`,
    );
  return id;
}
