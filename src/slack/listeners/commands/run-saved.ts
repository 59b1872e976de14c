import { UserError } from '../../../errors.ts';
import { toSnippet } from '../../../saved/to-snippet.ts';
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
      `The code of “${found.name}” is no longer kept. Nothing ran; forget it.`,
    );
  const snippet = toSnippet(found, blocks, request.command.parameters);
  return { kind: 'snippet', snippet, saved: { name: found.name } };
}
