import type { LanguageContext } from '../runs/languages.ts';
import type { Admitted, SnippetRequest } from '../runs/admit-snippet.ts';
import type { ChannelSettingsStore } from '../runs/channel-settings.ts';
import type { KernelControl } from '../runs/control-kernel.ts';
import type { Run } from '../runs/run-data.ts';
import type { Log } from '../log.ts';
import type { Channels } from './channels.ts';
import type { People } from './people.ts';
import type { PolicySettings } from './policy.ts';
import type { Tell } from './tell.ts';

/** What the doors may ask of the house behind them. */
export interface Bot {
  workspace: string;
  /** Our own user id, as mentions carry it. */
  userId: string;
  /** The slash command people type, for help texts. */
  command: string;
  policy: PolicySettings;
  autoRun: 'mention' | 'all';
  people: People;
  channels: Channels;
  tell: Tell;
  control: KernelControl;
  channelSettings: ChannelSettingsStore;
  /** What words mean in this channel; rejects with `GatewayError` when the gateway never told. */
  languages: (channel: string) => Promise<LanguageContext>;
  admit: (request: SnippetRequest) => Promise<Admitted>;
  /** A delivery that makes no run: true the first time. */
  claim: (delivery: string) => Promise<boolean>;
  /** Keep was pressed: false when that kernel is gone. */
  keepKernel: (lane: string, kernelId: string) => Promise<boolean>;
  findRun: (runId: string) => Promise<Run | undefined>;
  /** Runs of a thread, newest first. */
  threadRuns: (channel: string, thread: string) => Promise<Run[]>;
  log: Log;
}
