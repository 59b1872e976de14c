import type { InputRequest, KernelOutput } from '../outputs.ts';
import { text } from '../protocol/json.ts';
import type { KernelMessage } from '../protocol/wire.ts';

/** Sends a line to the kernel. `request` is undefined when an earlier process received it. */
export type AnswerInput = (request: KernelMessage | undefined, value: string) => void;

/** Debuggers and the line that leaves them, with what they stopped: pdb and ipdb, also in themselves, and R's browser. */
const DEBUGGERS: readonly [prompt: RegExp, wayOut: string][] = [
  [/(?:^|\n)\(*(?:i?pdb|Pdb)(?:\+\+)?(?:\)+|>) ?$/, 'q'],
  [/(?:^|\n)Browse\[\d{1,4}\]> ?$/, 'Q'],
];
/** `code.interact()`, in IPython and elsewhere: it answers an interrupt by asking again. Other code that asks so ends by one. */
const CONSOLE: readonly [prompt: RegExp, wayOut: string] = [/^(?:In :|>>>) $/, 'raise(SystemExit)'];
const PROMPT_CHARS = 1_000;

/**
 * The lines that the kernel asks for during one execution. A question or an answer that was on its way when the
 * connection broke is lost for good: the kernel waits, says nothing, and looks as if it were computing.
 */
export class InputRequests {
  readonly #allowStdin: boolean;
  readonly #answer: AnswerInput;
  readonly #notify: (said: KernelOutput) => void;
  /** `given`: answered, and nothing of the execution came since. */
  #state:
    | { is: 'none' }
    | { is: 'open'; prompt: string; answer: (value: string) => void }
    | { is: 'given'; request: KernelMessage | undefined; value: string } = { is: 'none' };
  /** What was on its way to or from the kernel may be lost. */
  #isInDoubt = false;

  constructor(allowStdin: boolean, answer: AnswerInput, notify: (said: KernelOutput) => void) {
    this.#allowStdin = allowStdin;
    this.#answer = answer;
    this.#notify = notify;
  }

  /** A message of the execution: what was answered before has arrived. */
  take(message: KernelMessage): void {
    if (this.#state.is === 'given') this.#state = { is: 'none' };
    if (message.type !== 'input_request') return;
    this.#isInDoubt = false;
    const { prompt, password } = message.content;
    const asked = { prompt: text(prompt), password: password === true };
    // IRkernel asks although it was told not to (protocol.md §3.10); unanswered it would block every client.
    if (!this.#allowStdin) this.#answer(message, '');
    this.ask(asked, message);
  }

  /** `request` is undefined for what the kernel asked an earlier process for, and waits for still. */
  ask(asked: Omit<InputRequest, 'id'> & { id?: string }, request?: KernelMessage): void {
    const refused = !this.#allowStdin;
    let isAnswered = refused;
    const answer = (value: string): void => {
      if (isAnswered) return;
      isAnswered = true;
      // It goes out on the websocket that is open now, or the next one.
      this.#isInDoubt = false;
      this.#state = { is: 'given', request, value };
      this.#answer(request, value);
    };
    if (!refused) this.#state = { is: 'open', prompt: asked.prompt.slice(-PROMPT_CHARS), answer };
    this.#notify({ kind: 'inputRequest', ...asked, refused, answer });
  }

  /** Has a debugger that waits for a line end the code, or a console that outlived an interrupt; false where none does. */
  leaveDebugger(isInterrupted: boolean): boolean {
    const state = this.#state;
    if (state.is !== 'open') return false;
    const prompts = isInterrupted ? [...DEBUGGERS, CONSOLE] : DEBUGGERS;
    const [, wayOut] = prompts.find(([prompt]) => prompt.test(state.prompt)) ?? [];
    if (wayOut === undefined) return false;
    state.answer(wayOut);
    return true;
  }

  /** The connection broke, or an earlier process ended without a checkpoint. */
  doubt(): void {
    this.#isInDoubt = true;
  }

  /**
   * The kernel works on this execution and says nothing since the connection broke. An answer that may be lost is sent
   * once more where the kernel drops the lines it does not wait for; else the requester is told.
   */
  settleDoubt(dropsSpareLines: boolean): void {
    const state = this.#state;
    if (!this.#isInDoubt || state.is === 'open') return;
    this.#isInDoubt = false;
    if (state.is === 'given' && dropsSpareLines) return this.#answer(state.request, state.value);
    if (this.#allowStdin) this.#notify({ kind: 'inputMayBeLost' });
  }
}
