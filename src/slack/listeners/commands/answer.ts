import type { KnownBlock } from '@slack/types';

export interface CommandPlace {
  channel: string;
  /** Set where the command was given in a thread. */
  thread: string | undefined;
  /** The request that brought it; code that it turns out to be runs as `root`'s answer, or under a root of the bot's. */
  requestKey: string;
  root: string;
}

/** What a command answers: to the requester, and to a channel whose kernel or choice it changed. mrkdwn. */
export interface CommandAnswer {
  text: string;
  blocks?: KnownBlock[];
  told?: { channel: string; text: string };
}
