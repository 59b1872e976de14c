import type { SlackViewMiddlewareArgs, ViewResponseAction, ViewSubmitAction } from '@slack/bolt';
import type { z } from 'zod';
import type { Asked } from '../../auth/audit.ts';
import { type Fields, readFields, readMetadata, renderSentence } from '../../blocks/modals/modal.ts';
import type { Bot } from '../../context.ts';
import { Acknowledgement, withBoundary } from '../boundary.ts';

type SubmitArgs = SlackViewMiddlewareArgs<ViewSubmitAction>;

/** A modal that somebody has submitted. */
export interface Submission<Purpose> {
  user: string;
  viewId: string;
  /** What the modal was opened for. */
  purpose: Purpose;
  fields: Fields;
  /** Aborts when Slack would no longer wait, with the sentence for the person. */
  signal: AbortSignal;
  asked: Asked;
}

interface SubmissionKind<Purpose> {
  /** For the log, where it breaks: `an editor`. */
  what: string;
  asked: Pick<Asked, 'audit' | 'act'>;
  purpose: z.ZodType<Purpose>;
  /** The field that an error belongs to; undefined: the modal says nothing but the error. */
  fieldOf: (error: unknown, purpose: Purpose, view: SubmitArgs['view']) => string | undefined;
}

/**
 * The listener for one kind of modal. What is refused is said at a field, so that what was typed stays; else the modal
 * closes, or shows what `act` gives.
 */
export function onSubmission<Purpose>(
  { what, asked: askedFor, purpose: schema, fieldOf }: SubmissionKind<Purpose>,
  act: (submission: Submission<Purpose>, bot: Bot) => Promise<ViewResponseAction | undefined>,
): (args: SubmitArgs, bot: Bot) => Promise<void> {
  return async ({ ack, body, view }, bot) => {
    const reply = new Acknowledgement<ViewResponseAction>(ack, bot.log);
    const purpose = readMetadata(schema, view.private_metadata);
    const user = body.user.id;
    const asked = { ...askedFor, user };
    const notify = async (text: string, error: unknown): Promise<void> => {
      const field = fieldOf(error, purpose, view);
      await reply.send(
        field === undefined
          ? { response_action: 'update', view: renderSentence(text) }
          : { response_action: 'errors', errors: { [field]: text } },
      );
    };
    await withBoundary({ what, format: 'plain', notify, asked }, bot, async () => {
      const fields = readFields(view.state.values);
      const { signal } = reply;
      await reply.send(await act({ user, viewId: view.id, purpose, fields, signal, asked }, bot));
    });
  };
}
