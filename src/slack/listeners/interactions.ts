import type {
  BlockAction,
  RespondArguments,
  SlackActionMiddlewareArgs,
  SlackViewMiddlewareArgs,
  ViewResponseAction,
  ViewSubmitAction,
} from '@slack/bolt';
import type { z } from 'zod';
import { UserError } from '../../errors.ts';
import { type Asked, withAudit } from '../auth/audit.ts';
import { type Fields, readFields, readMetadata, renderSentence } from '../blocks/elements.ts';
import type { Bot } from '../context.ts';
import { Acknowledgement, isStoreSilent, replyPrivately, withBoundary } from './boundary.ts';
import { refreshHome } from './events/app-home.ts';

/** What all presses have in common, and all submissions of modals. */

type InteractionArgs = SlackActionMiddlewareArgs<BlockAction>;

/** A press on a button, or a choice in a menu. Each has to be authorised: anybody in the channel can press. */
export interface Interaction {
  /** Slack user id. */
  user: string;
  /** Undefined on the home tab and in a modal. */
  channel: string | undefined;
  /** Expires after 3 s. */
  trigger: string;
  reply: Acknowledgement;
  /** Replaces the pressed message. Never rejects, because what the press did stays done. */
  replace: (message: RespondArguments) => Promise<void>;
  /**
   * Tells the result where the button was pressed: on the home tab, in the thread, in the channel, else by direct
   * message.
   */
  notify: (text: string) => Promise<void>;
  /** Acts with audit lines, to which `known` is added. */
  audited: <Done>(known: Partial<Asked>, act: () => Promise<Done>) => Promise<Done>;
}

/** The modal or home tab, and when Slack says it was pressed. */
interface PressedIn {
  view: BlockAction['view'];
  actionTs: string;
}

interface InteractionKind<Meant> {
  /** For the log: `a button of a kernel`. */
  what: string;
  /** What the press means; undefined if it is unknown. */
  read: (value: string, actionId: string, from: PressedIn) => Meant | undefined;
  /** What was asked for, for the audit; `channel` if it is not that of the pressed message. */
  asked: (meant: Meant) => Pick<Asked, 'act' | 'run' | 'channel'>;
  /** Whether to acknowledge first, because it may take longer than Slack waits, or accepts nothing. */
  isAckedFirst?: (meant: Meant) => boolean;
  /** Renders the pressed list anew, after each press except one that failed. */
  listAnew?: (
    meant: Meant,
    by: Pick<Interaction, 'user' | 'channel'>,
    bot: Bot,
  ) => Promise<RespondArguments | undefined>;
}

const OLD_BUTTON = 'This button is of an earlier version, so nothing was done. Type what you want instead.';

/** Makes the listener for one kind of press. It tells refusals to the person (see `replyPrivately`). */
export function onInteraction<Meant>(
  { what, read, asked: askedBy, isAckedFirst, listAnew }: InteractionKind<Meant>,
  act: (meant: Meant, interaction: Interaction, bot: Bot) => Promise<void>,
): (args: InteractionArgs, bot: Bot) => Promise<void> {
  return async ({ ack, body, action, respond }, bot) => {
    const reply = new Acknowledgement(ack, bot.log);
    const { view, message, trigger_id: trigger } = body;
    const meant = read(chosenValue(action), action.action_id, { view, actionTs: action.action_ts });
    // For an ephemeral message Slack tells only where it is.
    const inThread: unknown = message?.['thread_ts'] ?? body.container['thread_ts'];
    const thread = typeof inThread === 'string' ? inThread : undefined;
    const [user, channel] = [body.user.id, body.channel?.id];
    if (meant === undefined) {
      await replyPrivately({ reply, respond, user, channel, thread }, OLD_BUTTON, undefined, bot);
      return;
    }
    const isHome = view?.type === 'home';
    const asked = { audit: 'press', user, channel, ...askedBy(meant) };
    const by = { reply, respond, user, channel: asked.channel, thread };
    const inPlace = async (make: () => Promise<RespondArguments | undefined>): Promise<void> => {
      await reply.send();
      try {
        const made = await make();
        if (made !== undefined) await respond(made);
      } catch (error) {
        bot.log.warn({ event: 'press.stale', err: error }, 'a pressed message could not be replaced');
      }
    };
    let isFresh = false;
    const showAnew = async (said?: string): Promise<void> => {
      await reply.send();
      if (isFresh) return;
      isFresh = true;
      if (isHome) await refreshHome(user, bot, said);
      else await inPlace(async () => await listAnew?.(meant, { user, channel }, bot));
    };
    const replace = (made: RespondArguments): Promise<void> => inPlace(async () => made);
    const clicked = `${user} ${action.action_id} ${chosenValue(action)}`;
    const notify = async (text: string, error?: unknown): Promise<void> => {
      const isSilent = isStoreSilent(error, reply);
      if (bot.memory.clickAnswers.take(clicked) > 0) {
        bot.log.info({ event: 'press.unanswered', user }, 'a person presses one button too often');
        return isSilent ? undefined : await reply.send();
      }
      // The home tab is drawn from the store.
      if (!isHome || isSilent) await replyPrivately(by, text, error, bot);
      // After a failure the list stays, so that the button can be pressed again.
      const isSettled = error === undefined || error instanceof UserError;
      if (!isSilent && (isHome || isSettled)) await showAnew(text);
    };
    const audited: Interaction['audited'] = (known, work) => withAudit({ ...asked, ...known }, bot, work);
    await withBoundary({ what, notify, asked }, bot, async () => {
      if (isAckedFirst?.(meant) === true) await reply.send();
      await act(meant, { user, channel, trigger, reply, replace, notify, audited }, bot);
      await showAnew();
    });
  };
}

/** A press on what an earlier or a later version has posted. */
export const onOldButton = onInteraction<never>(
  { what: 'an unknown button', read: () => undefined, asked: () => ({ act: '' }) },
  async () => {},
);

function chosenValue(action: InteractionArgs['action']): string {
  if (action.type === 'button') return action.value ?? '';
  const isMenu = action.type === 'overflow' || action.type === 'static_select';
  return isMenu ? (action.selected_option?.value ?? '') : '';
}

type SubmitArgs = SlackViewMiddlewareArgs<ViewSubmitAction>;

/** A submission of a modal. */
export interface Submission<Purpose> {
  user: string;
  viewId: string;
  /** What the modal was opened with. */
  purpose: Purpose;
  fields: Fields;
  /** Aborts when Slack no longer waits, with the sentence for the person. */
  signal: AbortSignal;
  asked: Asked;
}

interface SubmissionKind<Purpose> {
  /** For the log: `an editor`. */
  what: string;
  asked: Pick<Asked, 'audit' | 'act'>;
  purpose: z.ZodType<Purpose>;
  /** The field that an error is shown at; undefined: the modal is replaced by the error. */
  fieldOf: (error: unknown, purpose: Purpose, view: SubmitArgs['view']) => string | undefined;
}

const OLD_MODAL =
  'This form is of an earlier version of the bot, so nothing was done. Copy what you typed, close the form and open it anew.';

/** A modal that an earlier version opened. What was typed stays to be copied, where there is a field to say so at. */
export async function onOldModal({ ack, view }: Pick<SubmitArgs, 'ack' | 'view'>): Promise<void> {
  const field = view.blocks.find(({ type }) => type === 'input')?.block_id;
  if (field === undefined) await ack({ response_action: 'update', view: renderSentence(OLD_MODAL) });
  else await ack({ response_action: 'errors', errors: { [field]: OLD_MODAL } });
}

/**
 * Makes the listener for one kind of modal. A refusal is shown at a field, so that the typed text stays; else the modal
 * closes, or shows what `act` returns.
 */
export function onSubmission<Purpose>(
  { what, asked: askedFor, purpose: schema, fieldOf }: SubmissionKind<Purpose>,
  act: (submission: Submission<Purpose>, bot: Bot) => Promise<ViewResponseAction | undefined>,
): (args: SubmitArgs, bot: Bot) => Promise<void> {
  return async ({ ack, body, view }, bot) => {
    const reply = new Acknowledgement<ViewResponseAction>(ack, bot.log);
    const purpose = readMetadata(schema, view.private_metadata);
    if (purpose === undefined) return await onOldModal({ ack, view });
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
