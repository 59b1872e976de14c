import { WebAPIRequestError, WebClient } from '@slack/web-api';
import { samples } from './sample-messages.ts';
import { validateSamples } from './validate-samples.ts';

/**
 * `npm run check:blocks`: has Slack look at one of each kind of thing that the bot shows (`blocks.validate`, which needs
 * no token). SLACK_API_URL is another address of Slack's API.
 */
const slackApiUrl = process.env['SLACK_API_URL'];
const client = new WebClient(undefined, {
  // By default the client repeats a call for half an hour, without a word.
  retryConfig: { retries: 1 },
  timeout: 10_000,
  ...(slackApiUrl === undefined ? {} : { slackApiUrl }),
});
try {
  const wrong = await validateSamples(client, samples);
  for (const line of wrong) process.stdout.write(`${line}\n`);
  process.stdout.write(`${samples.length - wrong.length} of ${samples.length} are what Slack takes.\n`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof WebAPIRequestError)) throw error;
  process.stderr.write(`Slack cannot be reached: ${error.message}\n`);
  process.exitCode = 1;
}
