import { KernelManager, ServerConnection } from '@jupyterlab/services';
import bolt from '@slack/bolt';

/**
 * What one writes in an afternoon with Bolt and @jupyterlab/services: one kernel, an answer when the run has ended, no
 * record of anything. The other side of `mention-to-answer.ts`, which runs it as a process of its own.
 */
const setting = (name: string): string => process.env[name] ?? '';

const serverSettings = ServerConnection.makeSettings({
  baseUrl: setting('KG_URL'),
  wsUrl: setting('KG_URL').replace(/^http/, 'ws'),
  token: setting('KG_AUTH_TOKEN'),
  appendToken: true,
});
const kernel = await new KernelManager({ serverSettings }).startNew({ name: 'python3' });
await kernel.info;

const app = new bolt.App({
  token: setting('SLACK_BOT_TOKEN'),
  appToken: setting('SLACK_APP_TOKEN'),
  socketMode: true,
  clientOptions: { slackApiUrl: setting('SLACK_API_URL') },
});
app.event('app_mention', async ({ event, client }) => {
  const code = /`(.+)`/.exec(event.text)?.[1] ?? '';
  const running = kernel.requestExecute({ code });
  let said = '';
  running.onIOPub = ({ content }) => {
    if ('data' in content) said += String(Reflect.get(content.data ?? {}, 'text/plain') ?? '');
  };
  await running.done;
  await client.chat.postMessage({ channel: event.channel, thread_ts: event.ts, text: `\`\`\`${said}\`\`\`` });
});
await app.start();
