import { BOT_EVENTS, BOT_SCOPES, shortcuts, SLASH_COMMAND } from '../src/slack/manifest.ts';

/** `manifest.yml`, to be pasted where Slack asks for an app's manifest. None of its texts has a quote in it. */
export function manifestYaml(): string {
  return `# The Slack app. Create it at https://api.slack.com/apps with "From a manifest".
# Written by \`npm run docs\` from src/slack/manifest.ts.
# For signed HTTP in place of Socket Mode, the README says what changes.
display_information:
  name: Sparkthread
  description: Run Python, SQL, Scala and R on Spark, right from Slack
  background_color: '#1d3557'
features:
  app_home:
    home_tab_enabled: true
    messages_tab_enabled: true
    messages_tab_read_only_enabled: false
  bot_user:
    display_name: sparkthread
    always_online: true
  shortcuts:
    - name: Run code
      type: global
      callback_id: ${quoted(shortcuts.editor)}
      description: Opens the editor
    - name: Run this code
      type: message
      callback_id: ${quoted(shortcuts.runMessage)}
      description: Runs the code in this message
  slash_commands:
    - command: ${quoted(SLASH_COMMAND)}
      description: Runs code on the cluster
      usage_hint: '[language] code, or help'
      should_escape: false
oauth_config:
  scopes:
    bot:
${Object.entries(BOT_SCOPES)
  .map(([scope, why]) => `      - ${quoted(scope)} # ${why}`)
  .join('\n')}
settings:
  event_subscriptions:
    bot_events:
${BOT_EVENTS.map((event) => `      - ${quoted(event)}`).join('\n')}
  interactivity:
    is_enabled: true
  org_deploy_enabled: false
  socket_mode_enabled: true
  token_rotation_enabled: false
`;
}

function quoted(text: string): string {
  return `'${text}'`;
}
