import type { InputRequest, KernelOutput } from '../outputs.ts';
import { text } from '../protocol/json.ts';
import type { KernelMessage } from '../protocol/wire.ts';

/** Sends a line to the kernel. `request` is undefined if an earlier process received it. */
export type AnswerInput = (request: KernelMessage | undefined, value: string) => void;

/** Debuggers and the command that quits them together with the code: pdb and ipdb, also nested, and R's browser. */
const DEBUGGERS: readonly [prompt: RegExp, quitCommand: string][] = [
  [/(?:^|\n)\(*(?:i?pdb|Pdb)(?:\+\+)?(?:\)+|>) ?$/, 'q'],
  [/(?:^|\n)Browse\[\d{1,4}\]> ?$/, 'Q'],
];
/**
 * `code.interact()`, also in IPython: an interrupt makes it prompt again. Other code with such a prompt is ended by an
 * interrupt.
 */
const CONSOLE: readonly [prompt: RegExp, quitCommand: string] = [/^(?:In :|>>>) $/, 'raise(SystemExit)'];
const PROMPT_CHARS = 1_000;

/**
 * The input requests of one execution. A request or reply that was on its way when the connection broke is lost: the
 * kernel then waits silently and looks busy.
 */
export class InputRequests {
  readonly #allowStdin: boolean;
  readonly #answer: AnswerInput;
  readonly #notify: (said: KernelOutput) => void;
  /** `given`: answered, and no message has come since. */
  #state:
    | { is: 'none' }
    | { is: 'open'; prompt: string; answer: (value: string) => void }
    | { is: 'given'; request: KernelMessage | undefined; value: string } = { is: 'none' };
  /** A request or reply may be lost. */
  isInDoubt = false;

  constructor(allowStdin: boolean, answer: AnswerInput, notify: (said: KernelOutput) => void) {
    this.#allowStdin = allowStdin;
    this.#answer = answer;
    this.#notify = notify;
  }

  /** A message of the execution: an earlier reply has arrived. */
  take(message: KernelMessage): void {
    if (this.#state.is === 'given') this.#state = { is: 'none' };
    if (message.type !== 'input_request') return;
    this.isInDoubt = false;
    const { prompt, password } = message.content;
    const asked = { prompt: text(prompt), password: password === true };
    // IRkernel asks even if it must not (protocol.md §3.10); without an answer it would block every client.
    if (!this.#allowStdin) this.#answer(message, '');
    this.ask(asked, message);
  }

  /** `request` is undefined if the kernel sent it to an earlier process and still waits. */
  ask(asked: Omit<InputRequest, 'id'> & { id?: string }, request?: KernelMessage): void {
    const refused = !this.#allowStdin;
    let isAnswered = refused;
    const answer = (value: string): void => {
      if (isAnswered) return;
      isAnswered = true;
      // It is sent on the websocket that is open now, or the next one.
      this.isInDoubt = false;
      this.#state = { is: 'given', request, value };
      this.#answer(request, value);
    };
    if (!refused) this.#state = { is: 'open', prompt: asked.prompt.slice(-PROMPT_CHARS), answer };
    this.#notify({ kind: 'inputRequest', ...asked, refused, answer });
  }

  /** Makes a waiting debugger quit, or a console that has survived an interrupt; false if there is none. */
  quitDebugger(isInterrupted: boolean): boolean {
    const state = this.#state;
    if (state.is !== 'open') return false;
    const prompts = isInterrupted ? [...DEBUGGERS, CONSOLE] : DEBUGGERS;
    const [, quitCommand] = prompts.find(([prompt]) => prompt.test(state.prompt)) ?? [];
    if (quitCommand === undefined) return false;
    state.answer(quitCommand);
    return true;
  }

  /** The connection broke, or an earlier process ended without a checkpoint. */
  doubt(): void {
    this.isInDoubt = true;
  }

  /**
   * The kernel is running this execution and has been silent since the connection broke. A reply that may be lost is
   * sent again if the kernel drops unexpected input; otherwise the reader is notified.
   */
  settleDoubt(dropsUnexpectedInput: boolean): void {
    const state = this.#state;
    if (!this.isInDoubt || state.is === 'open') return;
    this.isInDoubt = false;
    if (state.is === 'given' && dropsUnexpectedInput) return this.#answer(state.request, state.value);
    if (this.#allowStdin) this.#notify({ kind: 'inputMayBeLost' });
  }
}
