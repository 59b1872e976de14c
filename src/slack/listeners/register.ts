import type { App, BlockAction, GlobalShortcut, MessageShortcut, ViewSubmitAction } from '@slack/bolt';
import type { Bot } from '../context.ts';
import { ticketOf } from '../transport/acked-after-accept-app.ts';
import { keepAction } from '../api/idle-notices.ts';
import { editorCallback } from '../blocks/modals/editor.ts';
import { questionCallback } from '../blocks/modals/input.ts';
import { onChanged } from './events/message-changed.ts';
import { onEditorSubmitted } from './views/editor.ts';
import { onHomeOpened } from './events/app-home.ts';
import { onKeep } from './actions/keep-kernel.ts';
import { onKernelPress } from './actions/kernel-buttons.ts';
import { onPosted } from './events/message.ts';
import { onPress } from './actions/run-buttons.ts';
import { onQuestionSubmitted } from './views/input.ts';
import { onGlobalShortcut, onMessageShortcut } from './shortcuts/shortcuts.ts';
import { onSlash } from './commands/slash.ts';

/** Payloads in, to the bot: one listener per source. */
export function hangDoors(app: App, bot: Bot): void {
  app.command(/^\//, async (args) => await onSlash(args, bot));
  app.event('message', async ({ event, context }) => {
    const ticket = ticketOf(context);
    await onPosted(event, ticket, bot);
    await onChanged(event, ticket, bot);
  });
  app.event('app_mention', async ({ event, context }) => await onPosted(event, ticketOf(context), bot));
  app.event('app_home_opened', async ({ event }) => await onHomeOpened(event, bot));
  app.action<BlockAction>(
    { type: 'block_actions', action_id: /^run:/ },
    async (args) => await onPress(args, bot),
  );
  app.action<BlockAction>(
    { type: 'block_actions', action_id: /^kernel:(restart|shutdown)$/ },
    async (args) => await onKernelPress(args, bot),
  );
  app.action<BlockAction>(
    { type: 'block_actions', action_id: keepAction },
    async (args) => await onKeep(args, bot),
  );
  app.shortcut<GlobalShortcut>({ type: 'shortcut' }, async (args) => await onGlobalShortcut(args, bot));
  app.shortcut<MessageShortcut>(
    { type: 'message_action' },
    async (args) => await onMessageShortcut(args, bot),
  );
  app.view<ViewSubmitAction>(editorCallback, async (args) => await onEditorSubmitted(args, bot));
  app.view<ViewSubmitAction>(questionCallback, async (args) => await onQuestionSubmitted(args, bot));
  app.error(async (error) => {
    bot.log.error({ err: error }, 'a listener broke');
  });
}
