import type { SlackMessage } from '../playground/messages.ts';
import type { Playground } from '../playground/playground.ts';
import { renderMessage, renderThreadAsText } from '../playground/render-text.ts';

export type Said = { text: string; isWell: boolean };

const person = 'ana';
const channel = '#data';
/** How long the bot may take to show any reaction. */
const reactionTimeoutMs = 30_000;
const noReaction = `Nothing was said to this. In a channel the bot heeds commands and messages that mention it: '@sparkthread 1 + 1'.`;
/** A run may take long: this ends with the run or with Ctrl-C. */
const runTimeoutMs = 24 * 3600_000;
const fileTimeoutMs = 60_000;

/**
 * Says one thing as a person in #data: a slash command, or a message.
 * @returns the thread as its reader sees it once the answer is final, or what the person alone was shown instead, or
 *   that nothing came of it: a message in a channel that calls nobody is left alone
 */
export async function say(
  playground: Playground,
  typed: string,
  waitMs: number = reactionTimeoutMs,
): Promise<Said> {
  const earlier = {
    messages: playground.messages(channel).length,
    whispers: playground.ephemerals(person).length,
  };
  const root = typed.startsWith('/') ? undefined : playground.as(person).post(channel, typed);
  const refusal = typed.startsWith('/')
    ? (await playground.as(person).slash(channel, typed)).text
    : undefined;
  const find = () => {
    const whisper = playground.ephemerals(person)[earlier.whispers];
    if (whisper) return { whisper };
    const news = playground.messages(channel).slice(earlier.messages);
    const told = news.find(({ user, ts }) => user === playground.bot.id && ts !== root?.ts);
    return told && { told };
  };
  const found = await playground
    .waitFor(find, { timeoutMs: waitMs })
    // The time is up. A bot that has ended is noticed elsewhere.
    .catch(() => undefined);
  if (found === undefined) return { text: `${typed}\n\n${noReaction}`, isWell: false };
  if (found.whisper) {
    const text = renderMessage(playground.service.world, found.whisper).join('\n');
    // A slash command that is answered at once was refused, or was `help`.
    return { text, isWell: refusal === undefined || /^\/\S+\s+help\s*$/.test(typed) };
  }
  const threadTs = found.told.thread_ts ?? found.told.ts;
  if (!isOfRun(found.told)) return { text: renderThreadAsText(playground, channel, threadTs), isWell: true };
  const answer = await playground.waitForReply(channel, threadTs, isFinal, { timeoutMs: runTimeoutMs });
  await waitForFiles(playground, threadTs, Number(answer.metadata?.event_payload['files'] ?? 0));
  const text = renderThreadAsText(playground, channel, threadTs, { viewer: person });
  return { text, isWell: answer.metadata?.event_payload['outcome'] === 'ok' };
}

function isOfRun(message: SlackMessage): boolean {
  return message.metadata?.event_type.startsWith('sparkthread_') ?? false;
}

function isFinal(message: SlackMessage): boolean {
  return (
    message.metadata?.event_type === 'sparkthread_answer' &&
    message.metadata.event_payload['state'] === 'final'
  );
}

/** The files and tables of an answer are posted after its status line. */
async function waitForFiles(playground: Playground, threadTs: string, count: number): Promise<void> {
  await playground.waitFor(
    () => playground.replies(channel, threadTs).reduce((sum, reply) => sum + belongings(reply), 0) >= count,
    { timeoutMs: fileTimeoutMs, what: `${count} files and tables` },
  );
}

function belongings({ files = [], metadata }: SlackMessage): number {
  return files.length + (metadata?.event_type === 'sparkthread_table' ? 1 : 0);
}
