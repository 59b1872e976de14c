import type { Shortcut } from '../playground/settings.ts';
import { shortcuts } from '../src/slack/manifest.ts';

/** The bot's shortcuts, for the page to offer. */
export const pageShortcuts: readonly Shortcut[] = [
  { type: 'global', callbackId: shortcuts.editor, name: 'Run code' },
  { type: 'message', callbackId: shortcuts.runMessage, name: 'Run this code' },
];
