import type { Playground } from '../../playground/playground.ts';

/** One thing that people see, made by the real bot. */
export interface Scene {
  /** The name of the picture and of its own channel. */
  name: string;
  /** Resolves with what to photograph, once it is there. */
  play(place: { playground: Playground; room: string }): Promise<Shown>;
}

/** A thread as one person sees it. */
export interface Shown {
  thread: string;
  /** Default ana. */
  user?: string;
  /** Whether the channel is in the picture, too. */
  withChannel?: boolean;
}
