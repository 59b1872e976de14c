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
import { Acknowledgement, withBoundary } from './boundary.ts';
import { refreshHome } from './events/app-home.ts';

/** What all presses have in common, and all submitted modals. */

type InteractionArgs = SlackActionMiddlewareArgs<BlockAction>;

/** A press on a button, or a choice in a menu. It is authorised anew: anybody in the channel can press. */
export interface Interaction {
  /** Slack user id. */
  user: string;
  /** Undefined on the home tab and in a modal. */
  channel: string | undefined;
  /** Lives for 3 s. */
  trigger: string;
  reply: Acknowledgement;
  /** Puts a message in the place of the pressed one. Never rejects: what the press did is done all the same. */
  replace: (message: RespondArguments) => Promise<void>;
  /** Says what came of it where it was pressed: on the home tab, in the thread, in the channel, else by direct message. */
  notify: (text: string) => Promise<void>;
  /** Acts with audit lines; what is known by then is added to what they say. */
  audited: <Done>(known: Partial<Asked>, act: () => Promise<Done>) => Promise<Done>;
}

/** The modal or home tab, and Slack's time of the press. */
interface PressedIn {
  view: BlockAction['view'];
  actionTs: string;
}

interface InteractionKind<Meant> {
  /** For the log, where it breaks: `a button of a kernel`. */
  what: string;
  /** What is meant; undefined when it is none of ours. */
  read: (value: string, actionId: string, from: PressedIn) => Meant | undefined;
  /** What the audit says was asked for; `channel` where it is another one than that of the pressed message. */
  asked: (meant: Meant) => Pick<Asked, 'act' | 'run' | 'channel'>;
  /** It takes longer than Slack waits, or nothing is accepted by it: it is acknowledged first. */
  isAckedFirst?: (meant: Meant) => boolean;
  /** What takes the place of the pressed list, as it is by now: after each press but one that failed. */
  listAnew?: (
    meant: Meant,
    by: Pick<Interaction, 'user' | 'channel'>,
    bot: Bot,
  ) => Promise<RespondArguments | undefined>;
}

const OLD_BUTTON = 'This button is of an earlier version, so nothing was done. Type what you want instead.';

/** The listener for one kind of press: what is refused is said to the person, and all is acknowledged in the end. */
export function onInteraction<Meant>(
  { what, read, asked: askedBy, isAckedFirst, listAnew }: InteractionKind<Meant>,
  act: (meant: Meant, interaction: Interaction, bot: Bot) => Promise<void>,
): (args: InteractionArgs, bot: Bot) => Promise<void> {
  return async ({ ack, body, action, respond }, bot) => {
    const reply = new Acknowledgement(ack, bot.log);
    const { view, message, trigger_id: trigger } = body;
    const meant = read(chosenValue(action), action.action_id, { view, actionTs: action.action_ts });
    // Of a message that only one person sees, Slack says no more than where it stands.
    const inThread: unknown = message?.['thread_ts'] ?? body.container['thread_ts'];
    const thread = typeof inThread === 'string' ? inThread : undefined;
    const [user, channel] = [body.user.id, body.channel?.id];
    if (meant === undefined) {
      await reply.send();
      await bot.notify.person({ user, channel, thread }, OLD_BUTTON);
      return;
    }
    const isHome = view?.type === 'home';
    const asked = { audit: 'press', user, channel, ...askedBy(meant) };
    const where = { user, channel: asked.channel, thread };
    const inPlace = async (make: () => Promise<RespondArguments | undefined>): Promise<void> => {
      await reply.send();
      try {
        const made = await make();
        if (made !== undefined) await respond(made);
      } catch (error) {
        bot.log.warn({ event: 'press.stale', err: error }, 'a message that was pressed stays as it was');
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
      await reply.send();
      if (bot.memory.clickAnswers.take(clicked) > 0) {
        bot.log.info({ event: 'press.unanswered', user }, 'one button is pressed too often by a person');
        return;
      }
      if (!isHome) await bot.notify.person(where, text);
      // What failed is tried again where it was pressed.
      if (isHome || error === undefined || error instanceof UserError) await showAnew(text);
    };
    const audited: Interaction['audited'] = (known, work) => withAudit({ ...asked, ...known }, bot, work);
    await withBoundary({ what, notify, asked }, bot, async () => {
      if (isAckedFirst?.(meant) === true) await reply.send();
      await act(meant, { user, channel, trigger, reply, replace, notify, audited }, bot);
      await showAnew();
    });
  };
}

function chosenValue(action: InteractionArgs['action']): string {
  if (action.type === 'button') return action.value ?? '';
  const isMenu = action.type === 'overflow' || action.type === 'static_select';
  return isMenu ? (action.selected_option?.value ?? '') : '';
}

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

const OLD_MODAL =
  'This form is of an earlier version of the bot, so nothing was done. Copy what you typed, close the form and open it anew.';

/** A modal that an earlier version opened. What was typed stays to be copied, where there is a field to say so at. */
export async function onOldModal({ ack, view }: Pick<SubmitArgs, 'ack' | 'view'>): Promise<void> {
  const field = view.blocks.find(({ type }) => type === 'input')?.block_id;
  if (field === undefined) await ack({ response_action: 'update', view: renderSentence(OLD_MODAL) });
  else await ack({ response_action: 'errors', errors: { [field]: OLD_MODAL } });
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
