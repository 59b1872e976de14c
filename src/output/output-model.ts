import { FoldedText } from './terminal/terminal-text.ts';
import { crowdOut, lossOf, noneCrowdedOut, type CrowdedOut } from './overflow.ts';
import { ownFileOf, sharedKindOf } from './output-view.ts';
import type { OutputLoss, OutputPart, SpoolRange } from './output-view.ts';
import type { KeptText } from './spool/shared-text.ts';

/** What changes the picture beside stream text. Plain JSON: it is also what the journal keeps. */
export type FoldStep =
  /** `printed`: what the end of stderr says as well, and need not say twice. */
  | { kind: 'show'; parts: OutputPart[]; displayId?: string | undefined; printed?: string | undefined }
  | { kind: 'update'; displayId: string; parts: OutputPart[] }
  | { kind: 'clear'; wait: boolean }
  | { kind: 'loss'; loss: OutputLoss };

export type StreamName = 'stdout' | 'stderr';

type Entry =
  | {
      kind: 'stream';
      name: StreamName;
      text: FoldedText;
      spooled: SpoolRange;
      takenBack?: string | undefined;
    }
  | { kind: 'shown'; parts: readonly OutputPart[]; displayId: string | undefined };

/** A whole picture as the journal keeps it: of streams the spool has the text. Plain JSON. */
export interface KeptPicture {
  entries: KeptEntry[];
  isClearPending: boolean;
  crowdedOut: CrowdedOut;
  losses: OutputLoss[];
}

type KeptEntry =
  | { kind: 'stream'; name: StreamName; spooled: SpoolRange; takenBack: string | undefined }
  | { kind: 'shown'; parts: OutputPart[]; displayId: string | undefined };

/** A stream of a restored picture: gets its text once more, piece by piece. */
interface RestoredStream {
  spooled: SpoolRange;
  write: (text: string) => void;
  end: () => void;
}

/** What is in the picture no more. */
export interface Dropped {
  parts: OutputPart[];
  crowds: CrowdedOut[];
}

/** What `results.txt` and what `traceback.txt` holds. */
export type SharedKind = 'results' | 'tracebacks';

/** Entries kept at the start and at the end of a run that shows very many things. */
const entriesKeptAtEachEnd = 50;

/**
 * The picture of a run in order: stream pieces of one name in a row are one part, a display is replaced by its
 * updates, a clear empties the picture (with `wait` only when the next output comes). Nothing here touches the disk.
 */
export class OutputFold {
  #entries: Entry[] = [];
  #clearPending = false;
  #crowdedOut = noneCrowdedOut();
  #losses: OutputLoss[] = [];
  #dropped: Dropped = { parts: [], crowds: [] };

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
          this.#dropped.parts.push(...entry.parts);
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
    if (whole.length === printed.length) this.#entries.pop();
    else
      this.#entries[this.#entries.length - 1] = {
        ...last,
        text: withoutEnd(whole, printed),
        takenBack: printed,
      };
  }

  has(displayId: string): boolean {
    return this.#entries.some((entry) => entry.kind === 'shown' && entry.displayId === displayId);
  }

  /** A display of this run that is not shown any more because there were too many. */
  hasCrowdedOut(displayId: string): boolean {
    return this.#crowdedOut.displayIds.includes(displayId);
  }

  /** What the next output of this kind will put out of the picture. */
  partsReplacedBy(displayId: string | undefined): readonly OutputPart[] {
    return this.#entries.flatMap((entry): readonly OutputPart[] => {
      const isReplaced =
        displayId === undefined
          ? this.#clearPending
          : entry.kind === 'shown' && entry.displayId === displayId;
      return isReplaced && entry.kind === 'shown' ? entry.parts : [];
    });
  }

  /** What went out of the picture since the last call: its files can go. */
  takeDropped(): Dropped {
    const dropped = this.#dropped;
    this.#dropped = { parts: [], crowds: [] };
    return dropped;
  }

  /** The texts that stand in a shared file, in their order. */
  standing(kind: SharedKind): Partial<KeptText>[] {
    const texts = (entries: readonly Entry[]): Partial<KeptText>[] =>
      entries
        .flatMap((entry) => (entry.kind === 'shown' ? entry.parts : []))
        .flatMap((part) => (sharedKindOf(part) === kind && 'path' in part ? textOf(part) : []));
    const { path, ranges } = this.#crowdedOut[kind];
    return [
      ...texts(this.#entries.slice(0, entriesKeptAtEachEnd)),
      ...(path === undefined ? [] : ranges.map((kept) => ({ path, kept }))),
      ...texts(this.#entries.slice(entriesKeptAtEachEnd)),
    ];
  }

  /** The files that only one part has. */
  get ownFiles(): string[] {
    const files = this.parts.flatMap((part) => ownFileOf(part) ?? []);
    return [...files, ...this.#crowdedOut.files];
  }

  /** The texts of a shared file stand in another one now. */
  move(kind: SharedKind, to: (kept: SpoolRange) => KeptText): void {
    const moved = (part: OutputPart): OutputPart =>
      sharedKindOf(part) === kind && 'kept' in part && part.kept !== undefined
        ? { ...part, ...to(part.kept) }
        : part;
    this.#entries = this.#entries.map((entry) =>
      entry.kind === 'shown' ? { ...entry, parts: entry.parts.map(moved) } : entry,
    );
    const texts = this.#crowdedOut[kind];
    const places = texts.ranges.map(to);
    this.#crowdedOut[kind] = { path: places[0]?.path ?? texts.path, ranges: places.map(({ kept }) => kept) };
  }

  /** The files of what crowded out, in order. */
  get crowdedFiles(): readonly string[] {
    return this.#crowdedOut.files;
  }

  get picture(): KeptPicture {
    return {
      entries: this.#entries.map((entry): KeptEntry => {
        if (entry.kind === 'shown') return { ...entry, parts: [...entry.parts] };
        const { kind, name, spooled, takenBack } = entry;
        return { kind, name, spooled, takenBack };
      }),
      isClearPending: this.#clearPending,
      crowdedOut: this.#crowdedOut,
      losses: this.#losses,
    };
  }

  /** Puts this picture in the place of its own. */
  restore({ entries, isClearPending, crowdedOut, losses }: KeptPicture): RestoredStream[] {
    this.#dropped = { parts: [], crowds: [] };
    this.#clearPending = isClearPending;
    this.#crowdedOut = crowdedOut;
    this.#losses = losses;
    this.#entries = entries.map((entry) =>
      entry.kind === 'shown' ? entry : { ...entry, text: new FoldedText() },
    );
    return this.#entries.flatMap((entry) => {
      if (entry.kind === 'shown') return [];
      const end = (): void => {
        const { head, tail } = entry.text.view();
        if (entry.takenBack !== undefined) entry.text = withoutEnd(head + tail, entry.takenBack);
      };
      return [{ spooled: entry.spooled, write: (text: string) => entry.text.write(text), end }];
    });
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
    return [...this.#losses, ...lossOf(this.#crowdedOut)];
  }

  #append(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#entries.length <= 2 * entriesKeptAtEachEnd) return;
    for (const each of this.#entries.splice(entriesKeptAtEachEnd, 1)) {
      if (each.kind === 'stream') crowdOut(this.#crowdedOut, undefined, undefined);
      else crowdOut(this.#crowdedOut, each.parts, each.displayId);
    }
  }

  #clearIfPending(): void {
    if (this.#clearPending) this.#clear();
  }

  #clear(): void {
    for (const entry of this.#entries) if (entry.kind === 'shown') this.#dropped.parts.push(...entry.parts);
    if (this.#crowdedOut.entries > 0) this.#dropped.crowds.push(this.#crowdedOut);
    this.#entries = [];
    this.#crowdedOut = noneCrowdedOut();
    this.#clearPending = false;
  }

  #addLoss(loss: OutputLoss): void {
    const at = this.#losses.findIndex((each) => each.kind === loss.kind);
    const known = this.#losses[at];
    if (loss.kind === 'tooBig' && known?.kind === 'tooBig')
      this.#losses[at] = { ...known, messages: known.messages + loss.messages };
    else if (loss.kind === 'unread' && known?.kind === 'unread')
      this.#losses[at] = { ...known, outputs: known.outputs + loss.outputs };
    else if (loss.kind === 'gap' || known === undefined) this.#losses.push(loss);
  }
}

function textOf({
  path,
  kept,
}: {
  path?: string | undefined;
  kept?: SpoolRange | undefined;
}): Partial<KeptText>[] {
  if (path === undefined) return [];
  return [kept === undefined ? { path } : { path, kept }];
}

function withoutEnd(whole: string, end: string): FoldedText {
  const rest = new FoldedText();
  rest.write(whole.slice(0, -end.length));
  return rest;
}
