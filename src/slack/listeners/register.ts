import type { App, BlockAction, GlobalShortcut, MessageShortcut, ViewSubmitAction } from '@slack/bolt';
import { keepAction } from '../api/notify.ts';
import { runCodeAction } from '../blocks/home.ts';
import { editorCallback } from '../blocks/modals/editor.ts';
import { questionCallback } from '../blocks/modals/input.ts';
import { saveCallback, scheduleCallback } from '../blocks/saved/saved-modals.ts';
import { replaceAction } from '../blocks/saved/saved-text.ts';
import { loadAction, runSavedAction } from '../blocks/saved/saved-home.ts';
import { scheduleButtonId } from '../blocks/saved/schedule-buttons.ts';
import { runAsCodeAction } from '../blocks/near-command.ts';
import type { Bot } from '../context.ts';
import { ticketOf } from '../transport/acked-after-accept-app.ts';
import { onLoadSaved, onReplaceButton, onRunSavedButton } from './actions/saved-buttons.ts';
import { onKeepButton, onKernelButton } from './actions/kernel-buttons.ts';
import { onRunAsCode } from './actions/run-as-code.ts';
import { onRunNow } from './actions/run-now.ts';
import { onRunButton } from './actions/run-buttons.ts';
import { onScheduleButton } from './actions/schedule-buttons.ts';
import { onSlash } from './commands/slash.ts';
import { onHomeOpened, onRunCodeButton } from './events/app-home.ts';
import { runNowAction } from './events/late.ts';
import { onJoined, onMessage } from './events/message.ts';
import { onMessageChanged } from './events/message-changed.ts';
import { onGlobalShortcut, onMessageShortcut } from './shortcuts.ts';
import { onEditorSubmitted } from './views/editor.ts';
import { onQuestionSubmitted } from './views/input.ts';
import { onSaveSubmitted } from './views/save.ts';
import { onScheduleSubmitted } from './views/schedule.ts';

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
  const type = 'block_actions';
  app.action<BlockAction>(
    { type, action_id: runCodeAction },
    async (args) => await onRunCodeButton(args, bot),
  );
  app.action<BlockAction>({ type, action_id: /^run:/ }, async (args) => await onRunButton(args, bot));
  app.action<BlockAction>(
    { type, action_id: /^kernel:(restart|shutdown)$/ },
    async (args) => await onKernelButton(args, bot),
  );
  app.action<BlockAction>({ type, action_id: keepAction }, async (args) => await onKeepButton(args, bot));
  app.action<BlockAction>({ type, action_id: runAsCodeAction }, async (args) => await onRunAsCode(args, bot));
  app.action<BlockAction>({ type, action_id: runNowAction }, async (args) => await onRunNow(args, bot));
  app.action<BlockAction>(
    { type, action_id: replaceAction },
    async (args) => await onReplaceButton(args, bot),
  );
  app.action<BlockAction>(
    { type, action_id: scheduleButtonId },
    async (args) => await onScheduleButton(args, bot),
  );
  app.action<BlockAction>({ type, action_id: loadAction }, async (args) => await onLoadSaved(args, bot));
  app.action<BlockAction>(
    { type, action_id: runSavedAction },
    async (args) => await onRunSavedButton(args, bot),
  );
  app.shortcut<GlobalShortcut>({ type: 'shortcut' }, async (args) => await onGlobalShortcut(args, bot));
  app.shortcut<MessageShortcut>(
    { type: 'message_action' },
    async (args) => await onMessageShortcut(args, bot),
  );
  app.view<ViewSubmitAction>(editorCallback, async (args) => await onEditorSubmitted(args, bot));
  app.view<ViewSubmitAction>(questionCallback, async (args) => await onQuestionSubmitted(args, bot));
  app.view<ViewSubmitAction>(saveCallback, async (args) => await onSaveSubmitted(args, bot));
  app.view<ViewSubmitAction>(scheduleCallback, async (args) => await onScheduleSubmitted(args, bot));
  app.error(async (error) => {
    bot.log.error({ event: 'listener.broken', err: error }, 'a listener broke');
  });
}
