import type { Playground } from '../../playground/playground.ts';

/** One thing that people see, brought about by the real bot. */
export interface Scene {
  /** Of the picture, and of the channel that it has for itself. */
  name: string;
  /** Answers what to photograph, once it stands. */
  play(place: { playground: Playground; room: string }): Promise<Shown>;
}

/** A thread as one person sees it. */
export interface Shown {
  thread: string;
  /** Default ana. */
  user?: string;
  /** The channel beside it too. */
  withChannel?: boolean;
}
