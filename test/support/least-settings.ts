import { readConfig } from '../../src/config/config.ts';
import { ConfigError } from '../../src/errors.ts';

/** The settings without which the bot does not start. */
export const LEAST = {
  SLACK_BOT_TOKEN: 'xoxb-bot-token',
  SLACK_APP_TOKEN: 'xapp-app-token',
  KG_URL: 'http://127.0.0.1:8888',
};

/** What the bot complains of when it starts with these settings. */
export function problemsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
