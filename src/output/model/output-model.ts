import type { Output } from '../../gateway/outputs.ts';
import { type OutputLoss, type OutputPart, type SpoolRange, withLoss } from '../output-view.ts';
import { FoldedText } from '../terminal/terminal-text.ts';
import {
  emptyOverflow,
  filesOf,
  foldedText,
  isSameError,
  type Overflow,
  type Picture,
  type Place,
  type Shown,
  type ShownEntry,
  type StreamEntry,
  type StreamName,
  streamPart,
  type TextKind,
  textKindOf,
  withoutEnd,
  withoutText,
} from './picture.ts';

/** How many entries are kept at the start and at the end if there are very many. */
const ENTRIES_AT_EACH_END = 50;
const DISPLAYS_KEPT = 1_000;

/**
 * A run's output as it is shown, in order: consecutive stream text of one name is one part, updates replace a display,
 * and a clear removes everything of its block (with `wait`, once the next output comes). It does not touch the disk.
 */
export class OutputModel {
  #entries: (StreamEntry | ShownEntry)[] = [];
  #isClearPending = false;
  #block = 0;
  /** The text of an earlier block that this one goes on with, as it was before: a clear restores it. */
  #continued: { entry: StreamEntry; before: Pick<StreamEntry, 'text' | 'spooled'> } | undefined;
  /** The Output widget that captures output now, and the one that is to be cleared. */
  #area: string | undefined;
  #clearArea: string | undefined;
  #overflow = emptyOverflow();
  #losses: OutputLoss[] = [];
  #dropped: string[] = [];
  #overflown: ShownEntry[] = [];

  /** `spooled`: where the text is in the spool. */
  stream(name: StreamName, text: string, spooled: SpoolRange): void {
    if (text === '') return;
    this.#clearIfPending();
    const last = this.#entries.at(-1);
    const goesOn = last?.kind === 'stream' && last.name === name && last.area === this.#area;
    if (goesOn && (last.block === this.#block || this.#continues(last, spooled))) {
      last.text.write(text);
      last.spooled.to = spooled.to;
      return;
    }
    // A redrawn progress bar keeps its place above what the other stream has printed since.
    const drawn = /^(?:\r|\n$)/.test(text) ? this.#openLine(name) : undefined;
    if (drawn !== undefined) return drawn.text.write(text);
    const folded = foldedText(text);
    this.#append({ kind: 'stream', name, text: folded, spooled: { ...spooled }, takenBack: undefined });
  }

  /** A notebook may have hundreds of cells that print, so text goes on in an earlier block's entry if it can be restored. */
  #continues(entry: StreamEntry, { from }: SpoolRange): boolean {
    if (this.#continued?.entry === entry) return true;
    const { head, tail, hiddenChars } = entry.text.view();
    // What was cleared in between is in the spool, too.
    if (hiddenChars > 0 || from !== entry.spooled.to) return false;
    this.#continued = { entry, before: { text: foldedText(head + tail), spooled: { ...entry.spooled } } };
    return true;
  }

  /** The last piece of a stream, if its line is unfinished and only the other stream has printed since. */
  #openLine(name: StreamName): StreamEntry | undefined {
    const [other, piece] = this.#entries.slice(-2).toReversed();
    const isOpen = other?.kind === 'stream' && piece?.kind === 'stream' && piece.name === name;
    return isOpen && piece.area === this.#area && !piece.text.endsLine ? piece : undefined;
  }

  /** An Output widget starts or stops capturing: it contains what comes meanwhile. */
  enter({ id, state }: Output & { kind: 'widget' }): void {
    if (state?.isCapturing !== undefined) this.#area = state.isCapturing ? id : undefined;
  }

  /** `printed`: text at the end of stderr that would repeat this output, and is removed. */
  show(shown: Shown, displayId: string | undefined, printed: string): void {
    this.#clearIfPending();
    if (printed !== '') this.#withdraw(printed);
    const last = this.#entries.at(-1);
    if (last?.kind === 'shown' && last.block === this.#block && isSameError(last, shown))
      last.texts = [...last.texts, ...shown.texts];
    else if (shown.parts.length > 0) this.#append({ ...shown, kind: 'shown', displayId });
  }

  update(displayId: string, shown: Shown): void {
    this.#entries = this.#entries.map((entry) => {
      if (entry.kind !== 'shown' || entry.displayId !== displayId) return entry;
      this.#dropped.push(...filesOf(entry));
      return { ...entry, ...shown };
    });
  }

  /** What other blocks have printed and shown stays when this one clears its output. */
  startBlock(block: number): undefined {
    if (block === this.#block) return;
    this.#block = block;
    this.#isClearPending = false;
    this.#continued = undefined;
  }

  clear(wait: boolean): void {
    this.#isClearPending = true;
    this.#clearArea = this.#area;
    if (!wait) this.#clearIfPending();
  }

  addLoss(loss: OutputLoss): void {
    this.#losses = withLoss(this.#losses, loss);
  }

  /** The text at the end of stderr, if that was the last output; '' if it is too long to be held completely. */
  get lastOnStderr(): string {
    const last = this.#entries.at(-1);
    if (last?.kind !== 'stream' || last.name !== 'stderr' || this.#isClearPending) return '';
    const { head, tail, hiddenChars } = last.text.view();
    return hiddenChars === 0 ? head + tail : '';
  }

  has(displayId: string): boolean {
    return this.#entries.some((entry) => entry.kind === 'shown' && entry.displayId === displayId);
  }

  /** Whether this is a display that is no longer shown because there were too many outputs. */
  hasOverflown(displayId: string): boolean {
    return this.#overflow.displayIds.includes(displayId);
  }

  /** The files that have become unused since the last call. */
  takeDropped(): string[] {
    return this.#dropped.splice(0);
  }

  /** The texts of outputs that are no longer shown since the last call, to be joined by kind. */
  takeOverflown(): (readonly [kind: TextKind, text: string])[] {
    const overflown = this.#overflown.splice(0);
    return overflown.flatMap((entry) => entry.texts.map((text) => [textKindOf(entry), text] as const));
  }

  get overflow(): Overflow {
    return this.#overflow;
  }

  /** The files of all texts of a kind, in order. */
  texts(kind: TextKind): string[] {
    const texts = this.#entries.map((entry) =>
      entry.kind === 'shown' && textKindOf(entry) === kind ? entry.texts : [],
    );
    const moved = this.#overflow[kind];
    return texts.toSpliced(ENTRIES_AT_EACH_END, 0, moved === undefined ? [] : [moved.path]).flat();
  }

  get picture(): Picture {
    return {
      entries: this.#entries.map(withoutText),
      isClearPending: this.#isClearPending,
      overflow: this.#overflow,
      losses: this.#losses,
    };
  }

  /** Restores this picture. Returns its streams, which have no text yet. */
  restore({ entries, isClearPending, overflow, losses }: Picture): StreamEntry[] {
    this.#isClearPending = isClearPending;
    this.#overflow = overflow;
    this.#losses = losses;
    this.#entries = entries.map((entry) =>
      entry.kind === 'shown' ? entry : { ...entry, text: new FoldedText() },
    );
    this.#block = this.#entries.at(-1)?.block ?? 0; // to which a pending clear belongs
    return this.#entries.filter((entry) => entry.kind === 'stream');
  }

  /** The files of all entries and of those that are no longer shown. */
  get files(): string[] {
    return [
      ...this.#entries.flatMap((entry) => (entry.kind === 'shown' ? filesOf(entry) : [])),
      ...this.#overflow.files,
    ];
  }

  get parts(): OutputPart[] {
    const parts = this.#entries.map((entry) => (entry.kind === 'shown' ? entry.parts : [streamPart(entry)]));
    const { entries: outputs } = this.#overflow;
    return parts.toSpliced(ENTRIES_AT_EACH_END, 0, outputs === 0 ? [] : [{ kind: 'gap', outputs }]).flat();
  }

  get losses(): OutputLoss[] {
    const { entries, streams, results } = this.#overflow;
    if (entries === 0) return [...this.#losses];
    return [...this.#losses, { kind: 'tooMany', parts: entries, streams, path: results?.path }];
  }

  #append(entry: Omit<StreamEntry, keyof Place> | Omit<ShownEntry, keyof Place>): void {
    this.#entries.push({ ...entry, area: this.#area, block: this.#block });
    if (this.#entries.length <= 2 * ENTRIES_AT_EACH_END) return;
    for (const each of this.#entries.splice(ENTRIES_AT_EACH_END, 1)) {
      this.#overflow.entries += 1;
      if (each.kind === 'stream') this.#overflow.streams = true;
      else this.#overflowWith(each);
    }
  }

  #overflowWith(entry: ShownEntry): void {
    const { files, displayIds } = this.#overflow;
    files.push(...entry.files);
    if (entry.displayId !== undefined && !displayIds.includes(entry.displayId))
      displayIds.push(entry.displayId);
    if (displayIds.length > DISPLAYS_KEPT) displayIds.shift();
    this.#overflown.push(entry);
  }

  #withdraw(printed: string): void {
    const whole = this.lastOnStderr;
    const last = this.#entries.at(-1);
    if (last?.kind !== 'stream' || !whole.endsWith(printed)) return;
    this.#entries.pop();
    if (whole.length === printed.length) return;
    this.#entries.push({ ...last, text: withoutEnd(whole, printed), takenBack: printed });
  }

  #clearIfPending(): void {
    if (!this.#isClearPending) return;
    this.#isClearPending = false;
    const { results, tracebacks, files } = this.#overflow;
    for (const entry of this.#entries)
      if (entry.kind === 'shown' && this.#isCleared(entry)) this.#dropped.push(...filesOf(entry));
    this.#entries = this.#entries.filter((entry) => !this.#isCleared(entry));
    if (this.#clearArea !== undefined) return;
    if (this.#continued !== undefined) Object.assign(this.#continued.entry, this.#continued.before);
    this.#continued = undefined;
    if (this.#entries.length > 0) return;
    this.#dropped.push(...files, ...[results, tracebacks].flatMap((file) => file?.path ?? []));
    this.#overflow = emptyOverflow();
  }

  #isCleared({ area, block }: StreamEntry | ShownEntry): boolean {
    return this.#clearArea === undefined ? block === this.#block : area === this.#clearArea;
  }
}
