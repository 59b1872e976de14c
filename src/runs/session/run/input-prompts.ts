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

/** The input prompts of one run. There is only one at a time. */
export class InputPrompts {
  readonly #askedId: () => string | undefined;
  #open: InputPrompt | undefined;
  #opened = Promise.withResolvers<void>();

  /** `askedId` returns the id of the prompt that the record says is open. */
  constructor(askedId: () => string | undefined) {
    this.#askedId = askedId;
  }

  open(prompt: InputPrompt): void {
    this.#open?.close();
    this.#open = prompt;
    this.#opened.resolve();
  }

  close(): void {
    this.#open?.close();
    this.#open = undefined;
    this.#opened = Promise.withResolvers<void>();
  }

  /** The prompt with this id; undefined if it is over; `notYet` if the run is still being resumed after a short wait. */
  async find(id: string): Promise<InputPrompt | 'notYet' | undefined> {
    if (this.#open?.id !== id && this.#askedId() === id) await atMost(this.#opened.promise, INPUT_WAIT_MS);
    if (this.#open?.id === id) return this.#open;
    return this.#askedId() === id ? 'notYet' : undefined;
  }
}
