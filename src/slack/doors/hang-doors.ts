import type { App, BlockAction, GlobalShortcut, MessageShortcut, ViewSubmitAction } from '@slack/bolt';
import type { Bot } from '../bot.ts';
import { ticketOf } from '../durable-app.ts';
import { keepAction } from '../idle-notices.ts';
import { editorCallback } from '../views/editor-view.ts';
import { questionCallback } from '../views/question-view.ts';
import { onChanged } from './changed.ts';
import { onEditorSubmitted } from './editor.ts';
import { onHomeOpened } from './home.ts';
import { onKeep } from './keep.ts';
import { onKernelPress } from './kernel-press.ts';
import { onPosted } from './posted.ts';
import { onPress } from './press.ts';
import { onQuestionSubmitted } from './question.ts';
import { onGlobalShortcut, onMessageShortcut } from './shortcut.ts';
import { onSlash } from './slash.ts';

/** Payloads in, to the bot: one listener per door. */
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
