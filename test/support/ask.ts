import type { SlackMessage } from '../../playground/messages.ts';
import type { Playground } from '../../playground/playground.ts';
import { renderThreadAsText } from '../../playground/render-text.ts';
import type { UserClient } from '../../playground/user-client.ts';
import type { View } from '../../playground/views.ts';

/** A final answer as a reader finds it. */
export interface Answered {
  /** The root message's ts. */
  thread: string;
  outcome: string;
  /** The answer's own message. */
  message: SlackMessage;
  /** The whole thread as text. */
  text: string;
}

/** Types a slash command and waits for its final answer. */
export async function askSlash(
  playground: Playground,
  user: string,
  channel: string,
  text: string,
): Promise<Answered> {
  const known = new Set(playground.messages(channel).map((message) => message.ts));
  const reaction = await playground.as(user).slash(channel, text);
  if (!reaction.ok || (reaction.text ?? '') !== '') throw new Error(`not taken: ${JSON.stringify(reaction)}`);
  const root = await playground.waitForMessage(
    channel,
    (message) =>
      !known.has(message.ts) &&
      message.metadata?.event_type === 'sparkthread_root' &&
      message.text.includes(playground.user(user).id),
  );
  return await finalAnswer(playground, channel, root.ts);
}

/** Posts a message and waits for its final answer in its thread, or in the thread that it was posted to. */
export async function askMessage(
  playground: Playground,
  user: string,
  channel: string,
  typed: string,
  options: { thread?: string } = {},
): Promise<Answered> {
  const before = options.thread === undefined ? 0 : finals(playground, channel, options.thread).length;
  const posted = playground.as(user).post(channel, typed, options);
  return await finalAnswer(playground, channel, options.thread ?? posted.ts, before);
}

/** The thread's next final answer after the first `after` ones. */
export async function finalAnswer(
  playground: Playground,
  channel: string,
  thread: string,
  after = 0,
): Promise<Answered> {
  const message = await playground.waitFor(() => finals(playground, channel, thread)[after], {
    what: `final answer ${after + 1} in ${channel} ${thread}`,
  });
  const outcome = String(message.metadata?.event_payload['outcome']);
  return { thread, outcome, message, text: renderThreadAsText(playground, channel, thread) };
}

/** The thread's first reply that shows these words, or has a button with such an action. */
export async function untilShown(
  playground: Playground,
  channel: string,
  thread: string,
  words: string | RegExp,
): Promise<SlackMessage> {
  const isShown = (reply: SlackMessage): boolean => {
    const all = JSON.stringify(reply);
    return typeof words === 'string' ? all.includes(words) : words.test(all);
  };
  return await playground.waitForReply(channel, thread, isShown, {
    what: `${words} in ${channel} ${thread}`,
  });
}

/** Sends an input box until it closes, because a bot that is resuming the run refuses it. */
export async function sendBox(person: UserClient, box: View, line: string): Promise<void> {
  while (person.modal?.id === box.id) await person.submit(box, { line });
}

export function finals(playground: Playground, channel: string, thread: string): SlackMessage[] {
  return playground
    .thread(channel, thread)
    .filter(
      (message) =>
        message.metadata?.event_type === 'sparkthread_answer' &&
        message.metadata.event_payload['state'] === 'final',
    );
}
