import type { WebClient } from '@slack/web-api';
import type { Log } from '../../log.ts';
import { markOnMessage, type RunMessage, type RunMessageOptions } from '../../runs/run-view.ts';
import type { Run } from '../../runs/run.ts';
import { readCallError } from '../api/call-error.ts';
import { openClient } from '../transport/network.ts';
import { MessageClient, type MessageClientOptions, withRetries } from './client.ts';
import type { Sending } from './editable-message.ts';
import { CallLimiter, EditLimiter, LOOK_RATE, POST_RATE } from './limiters.ts';
import { ResultMarks } from './result-marks.ts';
import { SlackRunMessage } from './run-message.ts';

/** Longer than any call to Slack is waited for, and than what is still under way of a process that stood still. */
const LOOK_AGAIN_MS = 10_000;

export interface RunMessagesOptions extends MessageClientOptions {
  now?: () => number;
  /** No process before this one has edited messages here within the last minute. By default false. */
  isFresh?: boolean;
  /** A run that took longer ends with a reply that names its requester. Undefined: none does. */
  notifyAfterMs?: number | undefined;
  /** How runs ended is marked in the channel. By default false. */
  marksResults?: boolean;
}

/** For Slack's rates: a machine's clock that is set back by an hour would hold every answer up for as long. */
const monotonic = (): number => performance.now();

export type RunMessages = ReturnType<typeof createRunMessages>;

/** Creates what shows the runs of one workspace: the only caller of chat.* and files.* for run messages. */
export function createRunMessages(options: RunMessagesOptions) {
  const { now = Date.now, isFresh = false, notifyAfterMs = Infinity, marksResults = false, log } = options;
  const client = new MessageClient(options);
  const edits = new EditLimiter(monotonic, { isFresh });
  const marks = marksResults ? new ResultMarks({ client, edits, log, now: monotonic }) : undefined;
  const sending: Sending = {
    client,
    edits,
    posts: new CallLimiter(monotonic, POST_RATE),
    looks: new CallLimiter(monotonic, LOOK_RATE),
    removes: new CallLimiter(monotonic, LOOK_RATE),
    notifyAfterMs,
    marks,
    log,
    now,
    lookAgainMs: LOOK_AGAIN_MS,
  };
  const open = new Set<SlackRunMessage>();
  return {
    client,
    open: (messageOptions: RunMessageOptions): RunMessage => {
      const message = new SlackRunMessage(sending, messageOptions, () => open.delete(message));
      open.add(message);
      return message;
    },
    ...createRemover(openClient(options, log, { fetch: options.fetch, isUrgent: false }), marks, log),
    /** Releases every open run message: what is pending is shown first. */
    close: async (): Promise<void> => {
      await Promise.all([...open].map((message) => message.release()));
    },
  };
}

/**
 * Takes away what Slack shows of a run: `chat.delete` and `files.delete` take what the bot itself has posted. Nothing
 * throws: what stays is in the log. False where Slack gave no answer. The client waits while Slack's rates hold it back.
 */
function createRemover(client: WebClient, marks: ResultMarks | undefined, log: Log) {
  const attempt = async (run: Run, what: string, act: () => Promise<unknown>): Promise<boolean> => {
    try {
      await act();
      return true;
    } catch (error) {
      if (!isGone(error))
        log.warn({ event: 'message.unremoved', err: error, run: run.id, what }, 'could not be removed');
      return readCallError(error).kind === 'refused';
    }
  };
  const removeMessage = async (run: Run, ts: string): Promise<boolean> =>
    await attempt(run, 'message', () => withRetries(() => client.chat.delete({ channel: run.channel, ts })));
  /** The message that shows the file stays behind as an empty one unless it is deleted too. */
  const removeFile = async (run: Run, file: string): Promise<boolean> =>
    await attempt(run, 'file', async () => {
      const { file: known } = await client.files.info({ file });
      await client.files.delete({ file });
      const shares = { ...known?.shares?.public, ...known?.shares?.private };
      for (const { ts } of shares[run.channel] ?? []) if (ts !== undefined) await removeMessage(run, ts);
    });

  /** Files and replies only: the run message is about to show another run. */
  const removeAttachments = async (run: Run): Promise<boolean> => {
    let isAnswered = true;
    for (const file of run.data.files ?? []) isAnswered &&= await removeFile(run, file);
    for (const ts of run.data.replies ?? []) isAnswered &&= await removeMessage(run, ts);
    return isAnswered;
  };
  return {
    removeAttachments,
    /**
     * The run message with its mark on a person's message, its files and replies, and for a slash command the root message,
     * which holds the code.
     */
    remove: async (run: Run): Promise<boolean> => {
      const { data, channel, thread } = run;
      const mark = markOnMessage(data);
      if (mark !== undefined && data.outcome !== undefined) marks?.remove(channel, mark.ts, data.outcome);
      const own = [data.messageTs, data.needsRoot && thread !== '' ? thread : undefined];
      let isAnswered = await removeAttachments(run);
      for (const ts of own) if (ts !== undefined) isAnswered &&= await removeMessage(run, ts);
      return isAnswered;
    },
  };
}

function isGone(error: unknown): boolean {
  const failure = readCallError(error);
  return failure.kind === 'refused' && ['messageGone', 'notFound'].includes(failure.refusal);
}
