/** What a person does on the page, by the same client that tests use. */
import { z } from 'zod';
import { escapeText } from '../composer.ts';
import type { Ephemeral, SlackMessage } from '../messages.ts';
import type { Service } from '../service.ts';
import { UserClient } from '../user-client.ts';
import type { View } from '../views.ts';

const place = { user: z.string(), channel: z.string() };
const message = { ...place, ts: z.string() };
const typed = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

const action = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('say'), ...place, text: z.string(), thread: z.string().optional() }),
  z.object({
    kind: z.literal('upload'),
    ...place,
    name: z.string(),
    base64: z.string(),
    text: z.string(),
    thread: z.string().optional(),
  }),
  z.object({ kind: z.literal('edit'), ...message, text: z.string() }),
  z.object({ kind: z.literal('delete'), ...message }),
  z.object({ kind: z.literal('press'), ...message, actionId: z.string(), choice: z.string().optional() }),
  z.object({
    kind: z.literal('pressInView'),
    user: z.string(),
    viewId: z.string(),
    actionId: z.string(),
    choice: z.string().optional(),
  }),
  z.object({ kind: z.literal('submit'), user: z.string(), viewId: z.string(), typed }),
  z.object({ kind: z.literal('close'), user: z.string(), viewId: z.string() }),
  z.object({ kind: z.literal('globalShortcut'), user: z.string(), callbackId: z.string() }),
  z.object({ kind: z.literal('messageShortcut'), ...message, callbackId: z.string() }),
  z.object({ kind: z.literal('openHome'), user: z.string() }),
]);

type Action = z.infer<typeof action>;

/** Does what the page asks for; returns a sentence to show if it cannot. */
export async function act(service: Service, sent: unknown): Promise<string | undefined> {
  const read = action.safeParse(sent);
  if (!read.success) return 'The page sent something unknown.';
  try {
    const { user } = read.data;
    await perform(service, new UserClient(service, service.world.user(user)), read.data);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function perform(service: Service, client: UserClient, doing: Action): Promise<void> {
  switch (doing.kind) {
    case 'say':
      await say(service, client, doing);
      return;
    case 'upload': {
      const file = { name: doing.name, content: Buffer.from(doing.base64, 'base64') };
      client.upload(doing.channel, file, doing.text, threadOf(doing));
      return;
    }
    case 'edit':
      client.edit(posted(service, doing), doing.text);
      return;
    case 'delete':
      client.delete(posted(service, doing));
      return;
    case 'press':
      await client.press(whisperedOrPosted(service, client, doing), doing.actionId, doing.choice);
      return;
    case 'pressInView':
      await client.pressInView(viewOf(service, doing.viewId), doing.actionId, doing.choice);
      return;
    case 'submit':
      await client.submit(viewOf(service, doing.viewId), doing.typed);
      return;
    case 'close':
      await client.close(viewOf(service, doing.viewId));
      return;
    case 'globalShortcut':
      await client.globalShortcut(doing.callbackId);
      return;
    case 'messageShortcut':
      await client.messageShortcut(doing.callbackId, posted(service, doing));
      return;
    case 'openHome':
      client.openHome();
  }
}

/** A command, or a message; Slack takes no commands in threads. */
async function say(
  service: Service,
  client: UserClient,
  doing: Extract<Action, { kind: 'say' }>,
): Promise<void> {
  const command = /^\/[a-z]\S*/.exec(doing.text)?.[0];
  if (command === undefined) {
    client.post(doing.channel, doing.text, threadOf(doing));
    return;
  }
  if (doing.thread !== undefined) {
    service.conversation.whisper({
      user: client.user.id,
      channel: doing.channel,
      thread_ts: doing.thread,
      text: escapeText(`${command} cannot be used in a thread.`),
    });
    return;
  }
  await client.slash(doing.channel, doing.text);
}

function threadOf(doing: { thread?: string | undefined }): { thread?: string } {
  return doing.thread === undefined ? {} : { thread: doing.thread };
}

function posted(service: Service, at: { channel: string; ts: string }): SlackMessage {
  const found = service.world
    .timeline(service.world.channel(at.channel).id)
    .all.find((candidate) => candidate.ts === at.ts);
  if (found === undefined) throw new Error('This message is gone.');
  return found;
}

function whisperedOrPosted(
  service: Service,
  client: UserClient,
  at: { channel: string; ts: string },
): SlackMessage | Ephemeral {
  return client.ephemerals.find((whisper) => whisper.ts === at.ts) ?? posted(service, at);
}

function viewOf(service: Service, id: string): View {
  const found = service.world.views.get(id);
  if (found?.open !== true) throw new Error('This view is closed.');
  return found;
}
