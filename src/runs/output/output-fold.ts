import { FoldedText } from './folded-text.ts';
import type { OutputLoss, OutputPart, SpoolRange } from './output-view.ts';

/** What changes the picture beside stream text. Plain JSON: it is also what the journal keeps. */
export type FoldStep =
  /** `printed`: what the end of stderr says as well, and need not say twice. */
  | { kind: 'show'; parts: OutputPart[]; displayId?: string | undefined; printed?: string | undefined }
  | { kind: 'update'; displayId: string; parts: OutputPart[] }
  | { kind: 'clear'; wait: boolean }
  | { kind: 'loss'; loss: OutputLoss };

export type StreamName = 'stdout' | 'stderr';

type Entry =
  | { kind: 'stream'; name: StreamName; text: FoldedText; spooled: SpoolRange }
  | { kind: 'shown'; parts: readonly OutputPart[]; displayId: string | undefined };

/** Entries kept at the start and at the end of a run that shows very many things. */
const entriesKeptAtEachEnd = 50;

const noneCrowdedOut: OutputLoss & { kind: 'tooMany' } = {
  kind: 'tooMany',
  parts: 0,
  streams: false,
  path: undefined,
};

/**
 * The picture of a run in order: stream pieces of one name in a row are one part, a display is replaced by its
 * updates, a clear empties the picture (with `wait` only when the next output comes). Nothing here touches the disk.
 */
export class OutputFold {
  #entries: Entry[] = [];
  #clearPending = false;
  #crowdedOut = noneCrowdedOut;
  #losses: OutputLoss[] = [];
  #dropped: OutputPart[] = [];

  /** `spooled`: where the text stands in the spool. */
  stream(name: StreamName, text: string, spooled: SpoolRange): void {
    if (text === '') return;
    this.#clearIfPending();
    const last = this.#entries.at(-1);
    if (last?.kind === 'stream' && last.name === name) {
      last.text.write(text);
      last.spooled.to = spooled.to;
      return;
    }
    const folded = new FoldedText();
    folded.write(text);
    this.#append({ kind: 'stream', name, text: folded, spooled: { ...spooled } });
  }

  apply(step: FoldStep): void {
    switch (step.kind) {
      case 'show':
        this.#clearIfPending();
        if (step.printed !== undefined) this.#takeBack(step.printed);
        if (step.parts.length > 0)
          this.#append({ kind: 'shown', parts: step.parts, displayId: step.displayId });
        return;
      case 'update':
        this.#entries = this.#entries.map((entry) => {
          if (entry.kind !== 'shown' || entry.displayId !== step.displayId) return entry;
          this.#dropped.push(...entry.parts);
          return { ...entry, parts: step.parts };
        });
        return;
      case 'clear':
        if (step.wait) this.#clearPending = true;
        else this.#clear();
        return;
      case 'loss':
        this.#addLoss(step.loss);
    }
  }

  /** What stands on stderr, where that was the last to speak; '' where it is too long to be held whole. */
  get lastOnStderr(): string {
    const last = this.#entries.at(-1);
    if (last?.kind !== 'stream' || last.name !== 'stderr' || this.#clearPending) return '';
    const { head, tail, hiddenChars } = last.text.view();
    return hiddenChars === 0 ? head + tail : '';
  }

  #takeBack(printed: string): void {
    const whole = this.lastOnStderr;
    const last = this.#entries.at(-1);
    if (last?.kind !== 'stream' || !whole.endsWith(printed)) return;
    const rest = new FoldedText();
    rest.write(whole.slice(0, -printed.length));
    if (whole.length === printed.length) this.#entries.pop();
    else this.#entries = [...this.#entries.slice(0, -1), { ...last, text: rest }];
  }

  has(displayId: string): boolean {
    return this.#entries.some((entry) => entry.kind === 'shown' && entry.displayId === displayId);
  }

  /** Parts that are not in the picture any more, since the last call: their files can go. */
  takeDropped(): OutputPart[] {
    return this.#dropped.splice(0);
  }

  get parts(): OutputPart[] {
    return this.#entries.flatMap((entry): readonly OutputPart[] =>
      entry.kind === 'shown'
        ? entry.parts
        : [
            {
              kind: 'text',
              source: entry.name,
              text: entry.text.view(),
              path: undefined,
              spooled: { ...entry.spooled },
            },
          ],
    );
  }

  get streamLines(): number {
    return this.#entries.reduce((sum, entry) => sum + (entry.kind === 'stream' ? entry.text.lines : 0), 0);
  }

  get losses(): OutputLoss[] {
    return this.#crowdedOut.parts === 0 ? [...this.#losses] : [...this.#losses, this.#crowdedOut];
  }

  #append(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#entries.length <= 2 * entriesKeptAtEachEnd) return;
    const crowdedOut = this.#entries.splice(entriesKeptAtEachEnd, 1);
    this.#drop(crowdedOut);
    const texts = crowdedOut.flatMap((each) => (each.kind === 'shown' ? each.parts : [])).filter(isText);
    this.#crowdedOut = {
      kind: 'tooMany',
      parts: this.#crowdedOut.parts + 1,
      streams: this.#crowdedOut.streams || crowdedOut.some((each) => each.kind === 'stream'),
      path: this.#crowdedOut.path ?? texts.find(({ path }) => path !== undefined)?.path,
    };
  }

  #clearIfPending(): void {
    if (this.#clearPending) this.#clear();
  }

  #drop(entries: readonly Entry[]): void {
    for (const entry of entries) if (entry.kind === 'shown') this.#dropped.push(...entry.parts);
  }

  #clear(): void {
    this.#drop(this.#entries);
    this.#entries = [];
    this.#crowdedOut = noneCrowdedOut;
    this.#clearPending = false;
  }

  #addLoss(loss: OutputLoss): void {
    const known = this.#losses.find((each) => each.kind === loss.kind);
    if (loss.kind === 'tooBig' && known?.kind === 'tooBig') {
      this.#losses = this.#losses.map((each) =>
        each.kind === 'tooBig' ? { kind: 'tooBig', messages: each.messages + loss.messages } : each,
      );
    } else if (loss.kind === 'gap' || known === undefined) this.#losses.push(loss);
  }
}

function isText(part: OutputPart): part is OutputPart & { kind: 'text' } {
  return part.kind === 'text';
}
