import type { WebClient } from '@slack/web-api';
import type { Log } from '../../log.ts';
import { type RunMessage, type RunMessageOptions, sourceOf } from '../../runs/run-view.ts';
import type { Run } from '../../runs/run.ts';
import { readCallError, withRetries } from '../api/call-error.ts';
import { sentence } from '../blocks/rich-text.ts';
import { openClient } from '../transport/network.ts';
import { MessageClient, type MessageClientOptions } from './client.ts';
import type { Sending } from './editable-message.ts';
import { CallLimiter, EditLimiter, LOOK_RATE, POST_RATE } from './limiters.ts';
import { ResultMarks } from './result-marks.ts';
import { SlackRunMessage } from './run-message.ts';
import { deleteFile } from './upload-files.ts';

/** Longer than a call to Slack may take, also one that a suspended process had under way. */
const LOOK_AGAIN_MS = 10_000;

export interface RunMessagesOptions extends MessageClientOptions {
  now?: () => number;
  /** No other process has edited messages in this workspace within the last minute. By default false. */
  isFresh?: boolean;
  /** A run that took longer ends with a reply that mentions its requester; undefined: no run does. */
  notifyAfterMs?: number | undefined;
  /** Whether the channel shows how runs ended. By default false. */
  marksResults?: boolean;
}

/**
 * The clock for Slack's rates: if the machine's clock were set back by an hour, every answer would wait for an hour.
 */
const monotonic = (): number => performance.now();

export type RunMessages = ReturnType<typeof createRunMessages>;

/** Shows the runs of one workspace: the only caller of chat.* and files.* for run messages. */
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
    /** Releases every open run message, after it has shown what is pending. */
    close: async (): Promise<void> => {
      await Promise.all([...open].map((message) => message.release()));
    },
  };
}

const REMOVED_TEXT = 'This message was removed.';
const REMOVED = {
  text: REMOVED_TEXT,
  blocks: [{ type: 'rich_text' as const, elements: [sentence(REMOVED_TEXT, { italic: true })] }],
};

/**
 * Removes what the bot has posted for a run. Never rejects: what could not be removed is logged. False if Slack gave no
 * answer, or refused the bot's token. The client waits while Slack rate-limits it.
 */
function createRemover(client: WebClient, marks: ResultMarks | undefined, log: Log) {
  const attempt = async (run: Run, what: string, act: () => Promise<unknown>): Promise<boolean> => {
    try {
      await act();
      return true;
    } catch (error) {
      const failure = readCallError(error);
      const isRefused = failure.kind === 'refused' && failure.refusal !== 'token';
      if (!isRefused || !['messageGone', 'notFound'].includes(failure.refusal))
        log.warn({ event: 'message.unremoved', err: error, run: run.id, what }, 'could not be removed');
      return isRefused;
    }
  };
  const removeMessage = async (run: Run, ts: string): Promise<boolean> =>
    await attempt(run, 'message', async () => {
      const place = { channel: run.channel, ts };
      const deleting = withRetries(() => client.chat.delete(place));
      await deleting.catch(async (error: unknown) => {
        const failure = readCallError(error);
        if (failure.kind !== 'refused' || failure.refusal !== 'other') throw error;
        // Where the workspace keeps every message (slack.md §5), at least its content and buttons go.
        await withRetries(() => client.chat.update({ ...place, ...REMOVED }));
      });
    });
  /** Also deletes the message of the file, which would stay as an empty one. */
  const removeFile = async (run: Run, file: string): Promise<boolean> =>
    await attempt(run, 'file', async () => {
      for (const ts of await deleteFile(client, run.channel, file)) await removeMessage(run, ts);
    });

  /** Removes files and replies only, because the run message will show another run. */
  const removeAttachments = async (run: Run): Promise<boolean> => {
    let isAnswered = true;
    for (const file of run.data.files ?? []) isAnswered = (await removeFile(run, file)) && isAnswered;
    for (const ts of run.data.replies ?? []) isAnswered = (await removeMessage(run, ts)) && isAnswered;
    return isAnswered;
  };
  return {
    removeAttachments,
    /**
     * Removes the run message, its reaction on a person's message, files and replies, and the root message if the bot
     * posted one.
     */
    remove: async (run: Run): Promise<boolean> => {
      const { data, channel, thread } = run;
      const source = sourceOf(data);
      if (source !== undefined && data.outcome !== undefined)
        void marks?.remove(channel, source, data.outcome);
      const own = [data.messageTs, data.needsRoot && thread !== '' ? thread : undefined];
      let isAnswered = await removeAttachments(run);
      for (const ts of own) if (ts !== undefined) isAnswered = (await removeMessage(run, ts)) && isAnswered;
      return isAnswered;
    },
  };
}
