/** What Spark's console bar has shown of a run. */
export interface ConsoleProgress {
  /** Stages that it has shown, and the tasks of all of them. */
  stages: number;
  tasks: number;
  doneTasks: number;
  activeTasks: number;
  /** Since when it is on the screen, ms since the epoch; undefined while it is not. */
  sinceMs: number | undefined;
}

/** One stage, as Spark's ConsoleProgressBar writes it from 1.2 to 4.x: `[Stage 3:==>    (12 + 4) / 200]`. */
const STAGE = /\[Stage (\d{1,9}):[=> ]{0,999}\((\d{1,9}) \+ (\d{1,9})\) \/ (\d{1,9})\]/g;
/** All stages of a moment stand on one line, behind a return; with blanks between two returns it goes. */
const BAR_OR_CLEARED =
  /\r?(?:\[Stage \d{1,9}:[=> ]{0,999}\(\d{1,9} \+ \d{1,9}\) \/ \d{1,9}\])+|\r {8,999}\r/g;
const BAR_BEGINS = '\r[Stage ';
/** What may still become a bar, or the end of one. */
const BEGUN = /^\r?\[Stage \d{0,9}(?::[=> ]{0,999}(?:\([\d +)/]{0,40})?)?$|^\r {0,999}$/;
/** Stages that are told apart; of those before only the sums are known. */
const STAGES_KEPT = 200;

/**
 * Takes Spark's console bar out of a stream, whatever it stands between and wherever the pieces end: only whole bars in
 * Spark's own form go, with the returns that belong to them. Held back is at most the beginning of a bar.
 */
export class ConsoleBarReader {
  #held = '';
  /** What stood before the next piece: the start of a line, a bar that was taken out, or text. */
  #before: 'lineStart' | 'bar' | 'text' = 'lineStart';
  readonly #stages = new Map<string, { tasks: number; doneTasks: number; activeTasks: number }>();
  #hasCome = false;
  #folded = { stages: 0, tasks: 0 };
  #shown: ReadonlySet<string> = new Set();
  #sinceMs: number | undefined;

  /** Gives what is left of the text. */
  take(piece: string): string {
    const text = this.#held + piece;
    let remaining = '';
    let at = 0;
    for (const match of text.matchAll(BAR_OR_CLEARED)) {
      const between = text.slice(at, match.index);
      this.#note(between);
      if (!this.#isBar(match[0])) continue;
      remaining += between;
      at = match.index + match[0].length;
      if (match[0].includes('[')) this.#show(match[0]);
      else this.#clear();
      this.#before = 'bar';
    }
    const rest = text.slice(at);
    this.#held = this.#beginning(rest);
    const told = rest.slice(0, rest.length - this.#held.length);
    this.#note(told);
    return remaining + told;
  }

  /** Its stages are counted anew. */
  startBlock(): void {
    this.#stages.clear();
    this.#folded = { stages: 0, tasks: 0 };
    this.#sinceMs = undefined;
  }

  /** Nothing more comes for now: gives what was held back. */
  end(): string {
    const held = this.#held;
    this.#held = '';
    this.#note(held);
    return held;
  }

  /** Undefined as long as no bar came. A stage that is not on the screen any more has done all of its tasks. */
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

  /** A bar begins with a return; a terminal that lost it has it at the start of a line. Only what shows is cleared. */
  #isBar(found: string): boolean {
    if (!found.includes('[')) return this.#shown.size > 0;
    return found.startsWith('\r') || this.#before !== 'text';
  }

  #note(text: string): void {
    if (text !== '') this.#before = text.endsWith('\n') ? 'lineStart' : 'text';
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
