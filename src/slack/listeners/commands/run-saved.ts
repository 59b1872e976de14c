import { UserError } from '../../../errors.ts';
import { putIn } from '../../../saved/parameters/put-in.ts';
import type { SavedPort, SlackPort } from '../../context.ts';
import type { Request } from '../../parsing/request.ts';

/**
 * `run NAME` becomes the snippet that the channel has under this name; every other request, and a name under which nothing
 * is saved, stays as it is. Throws `UserError` for values that do not fit, and `StoreError`.
 */
export async function resolveSaved(
  request: Request,
  channel: string,
  { saved, workspace }: SavedPort & Pick<SlackPort, 'workspace'>,
): Promise<Request> {
  if (request.kind !== 'command' || request.command.kind !== 'run') return request;
  const found = saved.find({ workspace, channel }, request.command.name);
  if (found === undefined) return request;
  const blocks = await saved.code(found);
  if (blocks === undefined)
    throw new UserError(
      'badCommand',
      `The code of “${found.name}” is not kept any more. Nothing ran; forget it.`,
    );
  const code = putIn(blocks, request.command.parameters, found.language);
  return {
    kind: 'snippet',
    snippet: { language: found.kernelspec, blocks: code },
    saved: { name: found.name },
  };
}
