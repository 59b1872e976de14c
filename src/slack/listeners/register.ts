import type {
  App,
  BlockAction,
  GlobalShortcut,
  MessageShortcut,
  SlackActionMiddlewareArgs,
  SlackViewMiddlewareArgs,
  ViewSubmitAction,
} from '@slack/bolt';
import { keepButton } from '../blocks/kernel-blocks.ts';
import { runCodeAction } from '../blocks/home.ts';
import { editorCallback } from '../blocks/editor.ts';
import { inputCallback } from '../blocks/input-request.ts';
import { loadAction, replaceButton, runSavedButton, saveCallback } from '../blocks/saved/saved-blocks.ts';
import { scheduleCallback } from '../blocks/saved/schedule-blocks.ts';
import type { Bot } from '../context.ts';
import { ticketOf } from '../transport/acked-after-accept-app.ts';
import { onLoadSaved, onReplaceButton, onRunSavedButton, onScheduleButton } from './actions/saved-buttons.ts';
import { onRunButton } from './actions/run-buttons.ts';
import { onHomeOpened } from './events/app-home.ts';
import { onJoined, onMessage } from './events/message.ts';
import { onMessageChanged } from './events/message-changed.ts';
import { onMessageShortcut } from './shortcuts.ts';
import { onEditorCalled, onEditorSubmitted } from './views/editor.ts';
import { onInputSubmitted } from './input.ts';
import { onSaveSubmitted, onScheduleSubmitted } from './views/saved-forms.ts';
import { runAsCodeButton } from '../blocks/help.ts';
import { runNowButton } from '../blocks/refusals.ts';
import { onRunAsCode, onRunNow, onKeepButton, onKernelButton } from './actions/notice-buttons.ts';
import { onSlash } from './commands/slash.ts';
import { withBoundary } from './boundary.ts';

type Pressed = SlackActionMiddlewareArgs<BlockAction>;
type Submitted = SlackViewMiddlewareArgs<ViewSubmitAction>;

/** Buttons and menus, by their action ids. */
const INTERACTIONS: readonly (readonly [RegExp | string, (args: Pressed, bot: Bot) => Promise<void>])[] = [
  [runCodeAction, onEditorCalled],
  [/^run:/, onRunButton],
  [/^kernel:(restart|shutdown)$/, onKernelButton],
  [keepButton.action, onKeepButton],
  [runAsCodeButton.action, onRunAsCode],
  [runNowButton.action, onRunNow],
  [replaceButton.action, onReplaceButton],
  [/^schedule:(?:pause|resume|runNow|delete)$/, onScheduleButton],
  [loadAction, onLoadSaved],
  [runSavedButton.action, onRunSavedButton],
];

/** Modals that can be submitted, by their callback ids. */
const MODALS: readonly (readonly [string, (args: Submitted, bot: Bot) => Promise<void>])[] = [
  [editorCallback, onEditorSubmitted],
  [inputCallback, onInputSubmitted],
  [saveCallback, onSaveSubmitted],
  [scheduleCallback, onScheduleSubmitted],
];

/** One listener for each kind of payload. */
export function registerListeners(app: App, bot: Bot): void {
  app.command(/^\//, async (args) => await onSlash(args, bot));
  app.event('message', async ({ event, body, context }) => {
    const ticket = ticketOf(context);
    bot.channels.noteShared(event.channel, body.is_ext_shared_channel);
    await onMessage(event, ticket, bot);
    await onMessageChanged(event, ticket, bot);
  });
  app.event('app_mention', async ({ event, body, context }) => {
    bot.channels.noteShared(event.channel, body.is_ext_shared_channel);
    await onMessage(event, ticketOf(context), bot);
  });
  app.event('app_home_opened', async ({ event }) => await onHomeOpened(event, bot));
  app.event('member_joined_channel', async ({ event }) => await onJoined(event, bot));
  app.event('channel_id_changed', async ({ event, context }) => {
    const ticket = ticketOf(context);
    await withBoundary({ what: 'another id of a channel', ticket }, bot, async () => {
      const { first, later } = bot.channelIds.change(event.old_channel_id, event.new_channel_id);
      await bot.channelSettings.change(bot.workspace, first, { laterIds: later });
    });
  });
  for (const [action_id, onPressed] of INTERACTIONS)
    app.action<BlockAction>({ type: 'block_actions', action_id }, async (args) => await onPressed(args, bot));
  app.shortcut<GlobalShortcut>({ type: 'shortcut' }, async (args) => await onEditorCalled(args, bot));
  app.shortcut<MessageShortcut>(
    { type: 'message_action' },
    async (args) => await onMessageShortcut(args, bot),
  );
  for (const [callback, onSubmitted] of MODALS)
    app.view<ViewSubmitAction>(callback, async (args) => await onSubmitted(args, bot));
  app.error(async (error) => {
    bot.log.error({ event: 'listener.broken', err: error }, 'a listener broke');
  });
}
