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

/** The workspace, and how to ask and tell Slack. */
export interface SlackSide {
  workspace: string;
  /** `https://team.slack.com/`, for links to messages. */
  workspaceUrl: string;
  /** Our own user id, as mentions carry it. */
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

/** What listeners work with. Runs and requests are in the store: all that asks for them rejects with `StoreError`. */
export interface Bot extends SlackSide {
  autoRun: 'mention' | 'all';
  editWindowMs: number;
  /** Code that waits until its requester has chosen a language, for an hour. */
  drafts: Drafts;
  audit: Audit;
  log: Log;

  // — runs, and the requests that make them —

  admission: Pick<Admission, 'submit' | 'replaceWaiting'>;
  /** A snippet was not accepted. */
  onRefused: (error: unknown) => void;
  runs: Runs;
  /** Settles when the final message of a run that has ended is there with its files, or is left to a successor. */
  untilPosted: (runId: string) => Promise<void>;
  /** What runs of posted notebooks are made of, by their requests. */
  notebooks: Pick<NotebookStore, 'find'>;
  /** A request that makes no run: true the first time, and after `forgetSeen`. */
  markSeen: (request: string) => Promise<boolean>;
  /** The request failed: it may be claimed anew. */
  forgetSeen: (request: string) => Promise<void>;
  /** True for a request that came before, whatever it made. */
  isKnown: (request: string) => Promise<boolean>;
  /** The run that a request made. */
  runOf: (request: string) => Promise<Run | undefined>;

  // — kernels, and what channels have chosen for theirs —

  control: KernelControl;
  channelSettings: ChannelSettingsStore;
  /** What words mean in this channel; rejects with `GatewayError` when the gateway never told. */
  languages: (channel: string) => Promise<LanguageContext>;
  /** The same as the gateway tells it now. */
  languagesNow: (channel: string) => Promise<LanguageContext>;

  // — what channels keep under a name, and when that runs by itself —

  saved: SavedSnippets;
  schedules: Schedules;
}

/** Who presses one button in vain hundreds of times is answered only in part. */
const CLICK_ANSWERS: CallRate = { burst: 10, refillMs: 5_000 };
/** Two presses of Run again by one person within this time are a double click. */
const DOUBLE_CLICK_MS = 5_000;

type ListenerMemory = ReturnType<typeof createListenerMemory>;

/** What listeners remember between payloads, in this process. */
export function createListenerMemory() {
  return {
    /** One for each message: an edit may arrive while its message is still being read. */
    mutex: new KeyedMutex(),
    /** Requests that need no second look: a mention comes twice. */
    handledRequests: new LRUCache<string, true>({ max: 1_000 }),
    /** Claimed requests that failed and could not be un-claimed. */
    failedRequests: new LRUCache<string, true>({ max: 1_000 }),
    /** Whether a channel has runs in the store. */
    channelsWithRuns: new LRUCache<string, boolean>({ max: 5_000 }),
    /** By person and button, what presses are told: Slack takes 100 private words a minute for all people together. */
    clickAnswers: new CallLimiter(() => performance.now(), CLICK_ANSWERS),
    /** Run again, by requester and run: a double click is one press. */
    recentClicks: new LRUCache<string, true>({ max: 1_000, ttl: DOUBLE_CLICK_MS }),
  };
}

export interface CommandPlace {
  channel: string;
  /** Set where the command was given in a thread. */
  thread: string | undefined;
  /** The message or trigger that brought it; code that it turns out to be is `root`'s answer, or has a root of the bot's. */
  requestKey: string;
  root: string;
}

/** What a command answers: to the requester, and to a channel whose kernel or choice it changed. mrkdwn. */
export interface CommandAnswer {
  text: string;
  blocks?: KnownBlock[];
  told?: { channel: string; text: string };
}
