/** What the acknowledgement of a view_submission does with the modal (`response_action`). */
import { z } from 'zod';
import type { Service } from './service.ts';
import { readView, type View, type ViewDraft } from './views.ts';

const ack = z.discriminatedUnion('response_action', [
  z.object({ response_action: z.literal('errors'), errors: z.record(z.string(), z.string()) }),
  z.object({ response_action: z.literal('clear') }),
  z.object({ response_action: z.literal('update'), view: z.unknown() }),
  z.object({ response_action: z.literal('push'), view: z.unknown() }),
]);

/**
 * The errors that the app answered with, by block_id; undefined if the submission was accepted. Throws if Slack would
 * show an error.
 */
export function submissionAck(
  service: Service,
  view: View,
  payload: unknown,
): Record<string, string> | undefined {
  const read = ack.safeParse(payload);
  if (!read.success) {
    if (typeof payload === 'object' && payload !== null && 'response_action' in payload) {
      throw new Error(`the app answered a submission with ${JSON.stringify(payload)}`);
    }
    service.modals.close(view);
    return undefined;
  }
  switch (read.data.response_action) {
    case 'errors': {
      const inputs = view.draft.blocks
        .filter((block) => block.type === 'input')
        .map((block) => block.block_id);
      const strange = Object.keys(read.data.errors).filter((blockId) => !inputs.includes(blockId));
      if (strange.length > 0)
        throw new Error(`errors for ${strange.join(', ')}, which is no input of this modal`);
      service.modals.refuse(view, read.data.errors);
      return read.data.errors;
    }
    case 'clear':
      service.modals.closeAll(view.userId);
      return undefined;
    case 'update':
      service.modals.update(view, answered(service, read.data.view));
      return undefined;
    case 'push':
      service.modals.push(view, answered(service, read.data.view));
      return undefined;
  }
}

function answered(service: Service, value: unknown): ViewDraft {
  const verdict = readView(value, 'modal', () => service.world.nextId('b'));
  if (verdict.ok) return verdict.draft;
  throw new Error(
    `the app answered a submission with a view that Slack refuses: ${verdict.messages.join('; ')}`,
  );
}
