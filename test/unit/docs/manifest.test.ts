import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { BOT_EVENTS, BOT_SCOPES, shortcuts, SLASH_COMMAND } from '../../../src/slack/manifest.ts';
import { manifestYaml } from '../../../tools/manifest-yaml.ts';

const reads = ['channels:read', 'groups:read', 'im:read', 'mpim:read'];
const histories = ['channels:history', 'groups:history', 'im:history', 'mpim:history'];

/** Slack's own table, method by method: https://docs.slack.dev/reference/methods */
const scopesOfMethods: Readonly<Record<string, readonly string[]>> = {
  'apps.connections.open': [],
  'auth.test': [],
  'bots.info': ['users:read'],
  'chat.delete': ['chat:write'],
  'chat.getPermalink': [],
  'chat.postEphemeral': ['chat:write'],
  'chat.postMessage': ['chat:write'],
  'chat.update': ['chat:write'],
  'conversations.history': histories,
  'conversations.info': reads,
  'conversations.list': reads,
  'conversations.members': reads,
  'conversations.open': ['im:write'],
  'conversations.replies': histories,
  'files.completeUploadExternal': ['files:write'],
  'files.delete': ['files:write'],
  'files.getUploadURLExternal': ['files:write'],
  'files.info': ['files:read'],
  'reactions.add': ['reactions:write'],
  'reactions.remove': ['reactions:write'],
  'usergroups.users.list': ['usergroups:read'],
  'users.conversations': reads,
  'users.info': ['users:read'],
  'views.open': [],
  'views.publish': [],
  'views.push': [],
  'views.update': [],
};

const scopesOfEvents: Readonly<Record<string, string>> = {
  app_mention: 'app_mentions:read',
  channel_id_changed: 'groups:history',
  member_joined_channel: 'channels:read',
  'message.channels': 'channels:history',
  'message.groups': 'groups:history',
  'message.im': 'im:history',
  'message.mpim': 'mpim:history',
};

const source = readSource(fileURLToPath(new URL('../../../src', import.meta.url)));
const methods = found(/\bclient\s*\.\s*([a-z][A-Za-z]*(?:\s*\.\s*[a-zA-Z]+)+)\s*\(/g);
const events = found(/\bapp\.event\(\s*'([a-z_]+)'/g);

function readSource(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return files.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
}

function found(pattern: RegExp): string[] {
  const names = [...source.matchAll(pattern)].map(([, name]) => (name ?? '').replaceAll(/\s/g, ''));
  return [...new Set(names)].toSorted();
}

describe('scopes', () => {
  test('the source was read: its calls are seen', () => {
    expect(methods).toEqual(
      expect.arrayContaining(['auth.test', 'chat.postMessage', 'chat.update', 'users.info']),
    );
  });

  test.each(methods)('%s is in the table, and its scopes are in the manifest', (method) => {
    const needed = scopesOfMethods[method];
    expect(needed, `add ${method} with its scopes to this test's table`).toBeDefined();
    expect(Object.keys(BOT_SCOPES)).toEqual(expect.arrayContaining([...(needed ?? [])]));
  });

  test('each scope is needed by a call, an event or the command', () => {
    const needed = new Set([
      'commands',
      ...methods.flatMap((method) => scopesOfMethods[method] ?? []),
      ...BOT_EVENTS.flatMap((event) => scopesOfEvents[event] ?? []),
    ]);
    expect(Object.keys(BOT_SCOPES).toSorted()).toEqual([...needed].toSorted());
  });
});

test('the events that are listened to are the ones that are subscribed', () => {
  const subscribed = new Set(BOT_EVENTS.map((event) => event.replace(/^message\..*/, 'message')));
  expect([...subscribed].toSorted()).toEqual(events);
});

test('manifest.yml says to Slack what the code expects', () => {
  expect(parse(manifestYaml())).toMatchObject({
    features: {
      app_home: { messages_tab_read_only_enabled: false },
      shortcuts: [
        { type: 'global', callback_id: shortcuts.editor },
        { type: 'message', callback_id: shortcuts.runMessage },
      ],
      slash_commands: [{ command: SLASH_COMMAND, should_escape: false }],
    },
    oauth_config: { scopes: { bot: Object.keys(BOT_SCOPES) } },
    settings: {
      event_subscriptions: { bot_events: [...BOT_EVENTS] },
      interactivity: { is_enabled: true },
      socket_mode_enabled: true,
    },
  });
});
