/** What Spark's console bar has shown of a run. */
export interface ConsoleProgress {
  /** The number of stages that it has shown, and of their tasks. */
  stages: number;
  tasks: number;
  doneTasks: number;
  activeTasks: number;
  /** Since when it is shown, in ms since the epoch; undefined while it is not. */
  sinceMs: number | undefined;
}

/** One stage, as Spark's ConsoleProgressBar writes it from 1.2 to 4.x: `[Stage 3:==>    (12 + 4) / 200]`. */
const STAGE = /\[Stage (\d{1,9}):[=> ]{0,999}\((\d{1,9}) \+ (\d{1,9})\) \/ (\d{1,9})\]/g;
/** All current stages are on one line after a carriage return; blanks between two returns clear it. */
const BAR_OR_CLEARED =
  /\r?(?:\[Stage \d{1,9}:[=> ]{0,999}\(\d{1,9} \+ \d{1,9}\) \/ \d{1,9}\])+|\r {8,999}\r/g;
const BAR_BEGINS = '\r[Stage ';
/** Text that may become a bar, or the clearing of one. */
const BEGUN = /^\r?\[Stage \d{0,9}(?::[=> ]{0,999}(?:\([\d +)/]{0,40})?)?$|^\r {0,999}$/;
/** How many stages are told apart; of earlier ones only the sums are kept. */
const STAGES_KEPT = 200;

/**
 * Removes Spark's console bar from a stream, wherever it appears and wherever the pieces end: only complete bars in
 * Spark's own form, with their carriage returns. It holds back at most the beginning of a bar.
 */
export class ConsoleBarReader {
  #held = '';
  /** What comes before the next piece: the start of a line, a removed bar, or text. */
  #before: 'lineStart' | 'bar' | 'text' = 'lineStart';
  readonly #stages = new Map<string, { tasks: number; doneTasks: number; activeTasks: number }>();
  #hasCome = false;
  #folded = { stages: 0, tasks: 0 };
  #shown: ReadonlySet<string> = new Set();
  #sinceMs: number | undefined;

  /** Returns the remaining text. */
  take(piece: string): string {
    const text = this.#held + piece;
    let remaining = '';
    let at = 0;
    for (const match of text.matchAll(BAR_OR_CLEARED)) {
      const between = this.#told(text.slice(at, match.index));
      if (!this.#isBar(match[0])) continue;
      remaining += between;
      at = match.index + match[0].length;
      if (match[0].includes('[')) this.#show(match[0]);
      else this.#clear();
      this.#before = 'bar';
    }
    const rest = text.slice(at);
    this.#held = this.#beginning(rest);
    return remaining + this.#told(rest.slice(0, rest.length - this.#held.length));
  }

  /** Starts counting the stages anew. */
  startBlock(): void {
    this.#stages.clear();
    this.#folded = { stages: 0, tasks: 0 };
    this.#sinceMs = undefined;
  }

  /** No more text comes for now: returns the text that was held back. */
  end(): string {
    const held = this.#held;
    this.#held = '';
    return this.#told(held);
  }

  /** Undefined until a bar has appeared. A stage that is no longer shown has finished all its tasks. */
  get progress(): ConsoleProgress | undefined {
    if (!this.#hasCome) return undefined;
    const sums = { stages: this.#folded.stages, doneTasks: this.#folded.tasks, activeTasks: 0 };
    let tasks = this.#folded.tasks;
    for (const [id, stage] of this.#stages) {
      const isShown = this.#shown.has(id);
      sums.stages += 1;
      tasks += stage.tasks;
      sums.doneTasks += isShown ? stage.doneTasks : stage.tasks;
      sums.activeTasks += isShown ? stage.activeTasks : 0;
    }
    return { ...sums, tasks, sinceMs: this.#sinceMs };
  }

  /**
   * A bar begins with a carriage return, which a terminal may lose at the start of a line. A bar that is cleared there may
   * have been shown during an earlier run.
   */
  #isBar(found: string): boolean {
    if (this.#before !== 'text') return true;
    return found.includes('[') ? found.startsWith('\r') : this.#shown.size > 0;
  }

  /** Text that is no bar. Spark 3.5 and 4 end a bar with a carriage return of its own, which is part of it. */
  #told(text: string): string {
    if (text === '' || (this.#before === 'bar' && /^\r+$/.test(text))) return '';
    this.#before = text.endsWith('\n') ? 'lineStart' : 'text';
    return text;
  }

  /** The end of the text that may be the beginning of a bar. */
  #beginning(text: string): string {
    const from = Math.max(text.lastIndexOf('\r'), text.lastIndexOf('\n') + 1, 0);
    const end = text.slice(from);
    const isAtStart = from > 0 || this.#before !== 'text' || end.startsWith('\r');
    const isBegun = BAR_BEGINS.startsWith(end) || BAR_BEGINS.slice(1).startsWith(end) || BEGUN.test(end);
    return isAtStart && isBegun ? end : '';
  }

  #show(bar: string): void {
    const shown = new Set<string>();
    for (const [, id = '', done, active, tasks] of bar.matchAll(STAGE)) {
      shown.add(id);
      const doneTasks = Math.min(Number(done), Number(tasks));
      this.#stages.set(id, { tasks: Number(tasks), doneTasks, activeTasks: Number(active) });
    }
    this.#shown = shown;
    this.#sinceMs ??= Date.now();
    this.#hasCome = true;
    for (const [id, { tasks }] of this.#stages) {
      if (this.#stages.size <= STAGES_KEPT || shown.has(id)) break;
      this.#stages.delete(id);
      this.#folded.stages += 1;
      this.#folded.tasks += tasks;
    }
  }

  #clear(): void {
    this.#shown = new Set();
    this.#sinceMs = undefined;
  }
}
