import { atMost } from '../../../waits.ts';

/** Slack waits 3 s for what became of a line: a run that is being resumed is waited for this long. */
const INPUT_WAIT_MS = 1_000;

/** A line that the kernel waits for. */
export interface InputPrompt {
  readonly id: string;
  /** Gives the kernel its line, once; the run goes on. What is typed goes to the kernel and nowhere else. */
  answer(input: string): boolean;
  /** Nobody will answer any more. */
  close(): void;
}

/** What one run's kernel asks: one prompt at a time. */
export class InputPrompts {
  readonly #askedId: () => string | undefined;
  #open: InputPrompt | undefined;
  #opened = Promise.withResolvers<void>();

  /** `askedId`: of the line that, by the record, the kernel waits for. */
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

  /** The prompt with this id, or undefined when it is over. A run that is just being resumed is waited for. */
  async find(id: string): Promise<InputPrompt | 'notYet' | undefined> {
    if (this.#open?.id !== id && this.#askedId() === id) await atMost(this.#opened.promise, INPUT_WAIT_MS);
    if (this.#open?.id === id) return this.#open;
    return this.#askedId() === id ? 'notYet' : undefined;
  }
}
