import type { KnownBlock } from '@slack/types';
import { LRUCache } from 'lru-cache';
import type { Audit } from '../audit/audit.ts';
import type { Log } from '../log.ts';
import type { NotebookStore } from '../notebooks/model.ts';
import type { Admission } from '../runs/admission/admission.ts';
import type { KernelControl } from '../runs/control.ts';
import type { ChannelSettingsStore } from '../runs/languages/channel-settings.ts';
import type { LanguageContext } from '../runs/languages/languages.ts';
import type { Run } from '../runs/run.ts';
import type { Runs } from '../runs/runs.ts';
import type { SavedSnippets } from '../saved/saved-snippets.ts';
import type { Schedules } from '../saved/schedules/schedules.ts';
import { KeyedMutex } from '../waits.ts';
import type { Channels } from './api/conversations.ts';
import type { ReadFiles } from './api/files.ts';
import type { Notify } from './api/notify.ts';
import type { Users } from './api/users.ts';
import type { Drafts, Views } from './api/views.ts';
import type { PolicySettings } from './auth/policy.ts';
import type { Threads } from './exports/threads.ts';
import { CallLimiter, type CallRate } from './messages/limiters.ts';
import type { ChannelIds } from './transport/channel-ids.ts';

/** The workspace, and what the bot asks and tells Slack. */
export interface SlackSide {
  workspace: string;
  /** `https://team.slack.com/`, for links to messages. */
  workspaceUrl: string;
  /** The bot's user id, as in mentions. */
  userId: string;
  policy: PolicySettings;
  channelIds: ChannelIds;
  users: Users;
  channels: Channels;
  notify: Notify;
  views: Views;
  readFiles: ReadFiles;
  threads: Threads;
  memory: ListenerMemory;
}

/** What listeners work with. All that reads runs or requests rejects with `StoreError` if the store gives no answer. */
export interface Bot extends SlackSide {
  autoRun: 'mention' | 'all';
  editWindowMs: number;
  /** Code whose language its requester is asked for, for an hour. */
  drafts: Drafts;
  audit: Audit;
  log: Log;

  // — runs and requests —

  admission: Pick<Admission, 'submit' | 'replaceWaiting' | 'close'>;
  /** Called when a snippet was not accepted. */
  onRefused: (error: unknown) => void;
  runs: Runs;
  /** Settles when the final message of an ended run and its files are posted, or are left to a successor. */
  untilPosted: (runId: string) => Promise<void>;
  /** Posted notebooks, by the requests that ran them. */
  notebooks: Pick<NotebookStore, 'find'>;
  /** Records a request that makes no run: true the first time, and after `forgetSeen`. */
  markSeen: (request: string) => Promise<boolean>;
  /** Forgets a request that failed, so that it may come again. */
  forgetSeen: (request: string) => Promise<void>;
  /** Whether a request came before, with a run or without. */
  isKnown: (request: string) => Promise<boolean>;
  /** The run that a request made. */
  runOf: (request: string) => Promise<Run | undefined>;

  // — kernels and channel settings —

  control: KernelControl;
  channelSettings: ChannelSettingsStore;
  /**
   * The languages of a channel, perhaps from a cache; rejects with `GatewayError` if the gateway has never listed them.
   */
  languages: (channel: string) => Promise<LanguageContext>;
  /** The same, read from the gateway now. */
  languagesNow: (channel: string) => Promise<LanguageContext>;

  // — saved snippets and schedules —

  saved: SavedSnippets;
  schedules: Schedules;
}

/** Limits the answers to somebody who presses one button again and again. */
const CLICK_ANSWERS: CallRate = { burst: 10, refillMs: 5_000 };
/** Two presses of Run again by one person within this time are a double click. */
const DOUBLE_CLICK_MS = 5_000;

type ListenerMemory = ReturnType<typeof createListenerMemory>;

/** What listeners remember between payloads, in this process. */
export function createListenerMemory() {
  return {
    /** By message: an edit may arrive while its message is still being handled. */
    mutex: new KeyedMutex(),
    /** Requests that are done: a mention arrives twice. */
    handledRequests: new LRUCache<string, true>({ max: 1_000 }),
    /** Requests that failed while the store could not forget them. */
    failedRequests: new LRUCache<string, true>({ max: 1_000 }),
    /** Whether a channel has runs in the store. */
    channelsWithRuns: new LRUCache<string, boolean>({ max: 5_000 }),
    /** Limits answers to presses by person and button: Slack takes 100 ephemeral messages a minute in all. */
    clickAnswers: new CallLimiter(() => performance.now(), CLICK_ANSWERS),
    /** Presses of Run again, by requester and run: a double click is one press. */
    recentClicks: new LRUCache<string, true>({ max: 1_000, ttl: DOUBLE_CLICK_MS }),
  };
}

export interface CommandPlace {
  channel: string;
  /** Set where the command was given in a thread. */
  thread: string | undefined;
  /**
   * The request of the message or trigger. If the text is run as code after all, the answer goes into the thread
   * `root`, or under a root message of the bot where `root` is ''.
   */
  requestKey: string;
  root: string;
}

/** The answer to the requester, and what is told to a channel whose kernel or setting was changed. mrkdwn. */
export interface CommandAnswer {
  text: string;
  blocks?: KnownBlock[];
  told?: { channel: string; text: string };
}
