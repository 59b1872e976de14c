import { atMost } from '../../../waits.ts';

/** How long to wait for a run that is being resumed. Slack wants an answer within 3 s. */
const INPUT_WAIT_MS = 1_000;

/** Input that the kernel waits for. */
export interface InputPrompt {
  readonly id: string;
  /** Sends the input to the kernel, and nowhere else. False if it was answered already. */
  answer(input: string): boolean;
  /** Ends the prompt: nobody will answer it. */
  close(): void;
}

/**
 * The input prompts of one run. There is only one at a time. `askedId` returns the id of the prompt that the record says
 * is open.
 */
export function createInputPrompts(askedId: () => string | undefined) {
  let current: InputPrompt | undefined;
  let opened = Promise.withResolvers<void>();
  return {
    open(prompt: InputPrompt): void {
      current?.close();
      current = prompt;
      opened.resolve();
    },
    close(): void {
      current?.close();
      current = undefined;
      opened = Promise.withResolvers<void>();
    },
    /** The prompt with this id; undefined if it is over; `notYet` if the run is still being resumed after a short wait. */
    async find(id: string): Promise<InputPrompt | 'notYet' | undefined> {
      if (current?.id !== id && askedId() === id) await atMost(opened.promise, INPUT_WAIT_MS);
      if (current?.id === id) return current;
      return askedId() === id ? 'notYet' : undefined;
    },
  };
}
