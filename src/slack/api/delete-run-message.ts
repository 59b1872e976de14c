import { type WebClient, WebAPIPlatformError } from '@slack/web-api';
import type { Log } from '../../log.ts';
import type { Run } from '../../runs/run.ts';

/** What of a run stands in Slack can be taken away again. None of it throws: what stays is in the log. */
export interface AnswerRemover {
  /** The answer, its files and replies, and for a slash command the root message, which holds the code. */
  removeAnswer: (run: Run) => Promise<void>;
  /** Files and replies only: the answer's message is about to show another run. */
  removeBelongings: (run: Run) => Promise<void>;
}

/** `chat.delete` and `files.delete` take what the bot itself has posted. */
export function answerRemover(client: WebClient, log: Log): AnswerRemover {
  const attempt = async (run: Run, what: string, act: () => Promise<unknown>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      if (!isGone(error)) log.warn({ err: error, run: run.id, what }, 'could not be removed');
    }
  };
  const removeMessage = async (run: Run, ts: string): Promise<void> =>
    await attempt(run, 'message', () => client.chat.delete({ channel: run.channel, ts }));
  /** The message that shows the file stays behind as an empty one unless it is deleted too. */
  const removeFile = async (run: Run, file: string): Promise<void> =>
    await attempt(run, 'file', async () => {
      const { file: known } = await client.files.info({ file });
      await client.files.delete({ file });
      const shares = { ...known?.shares?.public, ...known?.shares?.private };
      for (const { ts } of shares[run.channel] ?? []) if (ts !== undefined) await removeMessage(run, ts);
    });

  const removeBelongings = async (run: Run): Promise<void> => {
    for (const file of run.data.files ?? []) await removeFile(run, file);
    for (const ts of run.data.replies ?? []) await removeMessage(run, ts);
  };
  return {
    removeBelongings,
    async removeAnswer(run) {
      await removeBelongings(run);
      if (run.data.answerTs !== undefined) await removeMessage(run, run.data.answerTs);
      if (run.data.needsRoot && run.thread !== '') await removeMessage(run, run.thread);
    },
  };
}

function isGone(error: unknown): boolean {
  return (
    error instanceof WebAPIPlatformError &&
    ['message_not_found', 'file_not_found', 'file_deleted', 'channel_not_found'].includes(error.data.error)
  );
}
