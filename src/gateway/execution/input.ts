import type { AskedLine } from '../gateway.ts';
import { text } from '../protocol/messages.ts';
import type { KernelOutput } from '../outputs.ts';
import type { KernelMessage } from '../protocol/wire.ts';

/** What the questions of one execution need of it. */
export interface AskingHost {
  readonly code: string;
  readonly allowStdin: boolean;
  isEnded(): boolean;
  tell(output: KernelOutput): void;
  /** `request` is undefined when it was not heard by this process. */
  answerInput(request: KernelMessage | undefined, value: string): void;
}

type Asked = Partial<AskedLine> & Pick<AskedLine, 'prompt' | 'password'>;

/**
 * The lines that the kernel asks for during one execution. A question or an answer that was on the way when the wire
 * broke is lost for good: the kernel waits, says nothing, and looks as if it were computing.
 */
export class Asking {
  readonly #host: AskingHost;
  /** What was on the way to or from the kernel may be lost. */
  #isInDoubt = false;
  #given: { asked: Asked; request: KernelMessage | undefined; value: string } | undefined;
  #open: Asked | undefined;

  constructor(host: AskingHost) {
    this.#host = host;
  }

  /** A message of the execution: what was answered before has arrived, and it is at work where it was not heard to ask. */
  take(message: KernelMessage): void {
    this.#given = undefined;
    if (this.#open?.isPresumed === true) this.#open = undefined;
    if (message.type !== 'input_request') return;
    this.#isInDoubt = false;
    const asked = {
      prompt: text(message.content['prompt']),
      password: message.content['password'] === true,
    };
    // IRkernel asks although it was told not to (protocol.md §3.10); unanswered it would block everyone.
    if (!this.#host.allowStdin) this.#host.answerInput(message, '');
    this.#ask(asked, message);
  }

  /** What the kernel asked an earlier process for, and waits for still. */
  askAgain(asked: AskedLine): void {
    this.#ask(asked, undefined);
  }

  /** The wire broke, or an earlier process ended without a word. */
  doubt(): void {
    this.#isInDoubt = true;
  }

  /**
   * The kernel works on this execution and says nothing since the wire broke. A line that may be lost is given once
   * more where the kernel drops those it does not wait for; else the runner is asked, who knows what the code does.
   */
  settleDoubt(dropsSpareLines: boolean): void {
    if (!this.#isInDoubt) return;
    this.#isInDoubt = false;
    const { code, allowStdin } = this.#host;
    const given = this.#given;
    if (given !== undefined && dropsSpareLines) return this.#host.answerInput(given.request, given.value);
    if (this.#open !== undefined) return;
    if (given !== undefined) return this.#ask({ ...given.asked, isPresumed: true }, given.request);
    if (!mayAsk(code)) return;
    const password = /getpass|askpass|readPassword/.test(code);
    if (allowStdin) this.#ask({ prompt: '', password, isPresumed: true }, undefined);
    else this.#host.answerInput(undefined, '');
  }

  #ask(asked: Asked, request: KernelMessage | undefined): void {
    const refused = !this.#host.allowStdin;
    let isAnswered = refused;
    this.#open = refused ? undefined : asked;
    this.#host.tell({
      kind: 'inputRequest',
      ...asked,
      refused,
      answer: (value) => {
        if (isAnswered || this.#host.isEnded()) return;
        isAnswered = true;
        this.#open = undefined;
        // It goes out on the socket that is open now, or the next one.
        this.#isInDoubt = false;
        this.#given = { asked, request, value };
        this.#host.answerInput(request, value);
      },
    });
  }
}

/** Whether the code itself reads as if it asked for a line; what it calls may ask all the same. */
export function mayAsk(code: string): boolean {
  return /\b(input|raw_input|getpass|breakpoint|set_trace|readLine|readPassword|askpass|menu)\s*\(|(?<![.\w])readline\s*\(|StdIn\.read|%debug\b/.test(
    code,
  );
}
