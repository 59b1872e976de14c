import type {
  App,
  BlockAction,
  GlobalShortcut,
  MessageShortcut,
  SlackActionMiddlewareArgs,
  SlackViewMiddlewareArgs,
  ViewSubmitAction,
} from '@slack/bolt';
import { EDITOR_CALLBACK } from '../blocks/editor.ts';
import { runAsCodeButton } from '../blocks/help.ts';
import { RUN_CODE_ACTION } from '../blocks/home.ts';
import { INPUT_CALLBACK } from '../blocks/input-request.ts';
import { keepButton } from '../blocks/kernel-blocks.ts';
import { runNowButton } from '../blocks/refusals.ts';
import { LOAD_ACTION, replaceButton, runSavedButton, SAVE_CALLBACK } from '../blocks/saved/saved-blocks.ts';
import { SCHEDULE_CALLBACK } from '../blocks/saved/schedule-blocks.ts';
import type { Bot } from '../context.ts';
import { ticketOf } from '../transport/acked-after-accept-app.ts';
import { onRunAsCode, onRunNow, onKeepButton, onKernelButton } from './actions/notice-buttons.ts';
import { onRunButton } from './actions/run-buttons.ts';
import { onLoadSaved, onReplaceButton, onRunSavedButton, onScheduleButton } from './actions/saved-buttons.ts';
import { withBoundary } from './boundary.ts';
import { onSlash } from './commands/slash.ts';
import { onHomeOpened } from './events/app-home.ts';
import { onMessageChanged } from './events/message-changed.ts';
import { onJoined, onMessage } from './events/message.ts';
import { onInputSubmitted } from './input.ts';
import { onOldButton, onOldModal } from './interactions.ts';
import { onMessageShortcut } from './shortcuts.ts';
import { onEditorCalled, onEditorSubmitted } from './views/editor.ts';
import { onSaveSubmitted, onScheduleSubmitted } from './views/saved-forms.ts';

type Pressed = SlackActionMiddlewareArgs<BlockAction>;
type Submitted = SlackViewMiddlewareArgs<ViewSubmitAction>;

/** Buttons and menus, by their action ids. */
const INTERACTIONS: readonly (readonly [RegExp | string, (args: Pressed, bot: Bot) => Promise<void>])[] = [
  [RUN_CODE_ACTION, onEditorCalled],
  [/^run:/, onRunButton],
  [/^kernel:(restart|shutdown)$/, onKernelButton],
  [keepButton.action, onKeepButton],
  [runAsCodeButton.action, onRunAsCode],
  [runNowButton.action, onRunNow],
  [replaceButton.action, onReplaceButton],
  [/^schedule:(?:pause|resume|runNow|delete)$/, onScheduleButton],
  [LOAD_ACTION, onLoadSaved],
  [runSavedButton.action, onRunSavedButton],
];

/** Modals that can be submitted, by their callback ids. */
const MODALS: ReadonlyMap<string, (args: Submitted, bot: Bot) => Promise<void>> = new Map([
  [EDITOR_CALLBACK, onEditorSubmitted],
  [INPUT_CALLBACK, onInputSubmitted],
  [SAVE_CALLBACK, onSaveSubmitted],
  [SCHEDULE_CALLBACK, onScheduleSubmitted],
]);

/** One listener for each kind of payload. */
export function registerListeners(app: App, bot: Bot): void {
  app.command(/^\//, async (args) => await onSlash(args, bot));
  app.event('message', async ({ event, body, context }) => {
    const ticket = ticketOf(context);
    bot.channels.noteShared(event.channel, body.is_ext_shared_channel);
    // The bot edits its own messages all the time, so changes are told apart before anything is parsed.
    const isChange = event.subtype === 'message_changed' || event.subtype === 'message_deleted';
    await (isChange ? onMessageChanged : onMessage)(event, ticket, bot);
  });
  app.event('app_mention', async ({ event, body, context }) => {
    bot.channels.noteShared(event.channel, body.is_ext_shared_channel);
    await onMessage(event, ticketOf(context), bot);
  });
  app.event('app_home_opened', async ({ event }) => onHomeOpened(event, bot));
  app.event('member_joined_channel', async ({ event }) => await onJoined(event, bot));
  app.event('channel_id_changed', async ({ event, context }) => {
    const ticket = ticketOf(context);
    await withBoundary({ what: 'another id of a channel', ticket }, bot, async () => {
      const { first, later } = bot.channelIds.change(event.old_channel_id, event.new_channel_id);
      await bot.channelSettings.change(bot.workspace, first, { laterIds: later });
    });
  });
  app.action<BlockAction>({ type: 'block_actions' }, async (args) => {
    const { action_id: pressed } = args.action;
    const known = INTERACTIONS.find(([id]) => (typeof id === 'string' ? id === pressed : id.test(pressed)));
    await (known?.[1] ?? onOldButton)(args, bot);
  });
  app.shortcut<GlobalShortcut>({ type: 'shortcut' }, async (args) => await onEditorCalled(args, bot));
  app.shortcut<MessageShortcut>(
    { type: 'message_action' },
    async (args) => await onMessageShortcut(args, bot),
  );
  app.view<ViewSubmitAction>({ type: 'view_submission' }, async (args) => {
    const onSubmitted = MODALS.get(args.view.callback_id) ?? onOldModal;
    await onSubmitted(args, bot);
  });
  app.error(async (error) => {
    bot.log.error({ event: 'listener.broken', err: error }, 'a listener broke');
  });
}
