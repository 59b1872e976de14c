import type { LanguageContext } from '../runs/languages/languages.ts';
import type { Admitted, SnippetRequest } from '../runs/admission/admission.ts';
import type { ChannelSettingsStore } from '../runs/languages/channel-settings.ts';
import type { KernelControl } from '../runs/control.ts';
import type { Run } from '../runs/run.ts';
import type { SeenChannels } from './api/seen-channels.ts';
import type { Snippet } from '../runs/admission/snippet.ts';
import type { Log } from '../log.ts';
import type { Recent } from '../recent.ts';
import type { Channels } from './api/conversations.ts';
import type { Drafts } from './listeners/drafts.ts';
import type { Turns } from './listeners/keyed-mutex.ts';
import type { ReadFiles } from './api/files.ts';
import type { People } from './api/users.ts';
import type { PolicySettings } from './auth/policy.ts';
import type { Tell } from './api/notify.ts';
import type { Surfaces } from './api/views.ts';

/** What the doors may ask of the house behind them. */
export interface Bot {
  workspace: string;
  /** `https://team.slack.com/`, for links to messages. */
  workspaceUrl: string;
  /** Our own user id, as mentions carry it. */
  userId: string;
  /** The slash command people type, for help texts. */
  command: string;
  policy: PolicySettings;
  autoRun: 'mention' | 'all';
  editWindowMs: number;
  people: People;
  channels: Channels;
  seenChannels: SeenChannels;
  /** Keeps the channel's name of today. Nobody waits for that. */
  noteChannel: (channel: string) => void;
  tell: Tell;
  surfaces: Surfaces;
  turns: Turns;
  /** Messages to the bot that this process has dealt with: a mention comes twice. */
  settled: Recent<true>;
  readFiles: ReadFiles;
  control: KernelControl;
  channelSettings: ChannelSettingsStore;
  /** What words mean in this channel; rejects with `GatewayError` when the gateway never told. */
  languages: (channel: string) => Promise<LanguageContext>;
  /** The same as the gateway tells it now. */
  languagesNow: (channel: string) => Promise<LanguageContext>;
  admit: (request: SnippetRequest, signal?: AbortSignal) => Promise<Admitted>;
  code: (run: Run) => Promise<readonly string[]>;
  unclaim: (requestKey: string) => Promise<void>;
  /** The code of an edited message takes the place of a run that still waits. False when it is too late. */
  replaceWaiting: (run: Run, edit: { snippet: Snippet; editedTs: string }) => Promise<boolean>;
  /** Says a sentence at the head of a run's answer. */
  say: (run: Run, note: string) => Promise<void>;
  /** Takes a run away with its answer and its code, and the runs of which it took the answer over. */
  erase: (run: Run) => Promise<void>;
  /** A delivery that makes no run: true the first time. */
  claim: (delivery: string) => Promise<boolean>;
  /** True for a delivery that came before, whatever it made. */
  isKnown: (delivery: string) => Promise<boolean>;
  /** The run that a delivery made. */
  runOf: (delivery: string) => Promise<Run | undefined>;
  /** Puts an idle kernel's end off. False when it is gone or has changed hands. */
  keepKernel: (queue: string, kernelId: string) => Promise<boolean>;
  /** Code that waits for a word from its person, for an hour. */
  drafts: Drafts;
  findRun: (runId: string) => Promise<Run | undefined>;
  /** Runs, newest first. */
  threadRuns: (channel: string, thread: string) => Promise<Run[]>;
  channelRuns: (channel: string, limit: number) => Promise<Run[]>;
  requesterRuns: (user: string, limit: number) => Promise<Run[]>;
  log: Log;
}
