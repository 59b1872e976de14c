import type { Output } from '../gateway/outputs.ts';
import type { StreamName } from '../output/model/picture.ts';
import type { SpoolRange } from '../output/output-view.ts';
import { cellCount } from './model.ts';

/**
 * An output of a cell: its text is in the spool, or it has its own file. `area`: the Output widget that contains it; a
 * clear in the widget clears only its own output.
 */
export type CellOutput = { area?: string | undefined } & (
  | { kind: 'stream'; name: StreamName; spooled: SpoolRange }
  | { kind: 'file'; path: string; displayId: string | undefined }
);

export interface RecordedCell {
  /** `In [n]`; null if the kernel does not count. */
  count: number | null;
  outputs: CellOutput[];
  /** The next output clears the cell's outputs, or only those in the area. */
  isClearPending: boolean;
  clearArea?: string | undefined;
}

/** The whole state as stored in the snapshot. Plain JSON. */
export interface CellsPicture {
  /** The number of the current cell. */
  current: number;
  cells: [number: number, cell: RecordedCell][];
}

/** No notebook can show more outputs than this. */
export const MAX_OUTPUTS = 10_000;

/** The current outputs of a notebook's cells, by the cell's number among those that run. In memory. */
export class CellOutputs {
  #current = 0;
  #cells = new Map<number, RecordedCell>();
  #dropped: string[] = [];
  /** The Output widget that captures output now. */
  #area: string | undefined;

  get(number: number): RecordedCell | undefined {
    return this.#cells.get(number);
  }

  /** Makes this the current cell. */
  begin(number: number): void {
    this.#current = number;
    this.#cell();
  }

  /** The `In [n]` of the current cell. */
  get count(): number | null {
    return this.#cell().count;
  }

  setCount(count: number): void {
    this.#cell().count = cellCount(count);
  }

  /** Whether there is no room for another output. */
  get isFull(): boolean {
    let outputs = 0;
    for (const cell of this.#cells.values()) outputs += cell.outputs.length;
    return outputs >= MAX_OUTPUTS;
  }

  /** Adds stream text that is in the spool there. False if it continues the last output. */
  stream(name: StreamName, spooled: SpoolRange): boolean {
    this.#clearIfPending();
    const last = this.#cell().outputs.at(-1);
    const goesOn = last?.kind === 'stream' && last.name === name && last.area === this.#area;
    if (goesOn) last.spooled.to = spooled.to;
    else this.#cell().outputs.push({ kind: 'stream', name, spooled, area: this.#area });
    return !goesOn;
  }

  show(path: string, displayId: string | undefined): void {
    this.#clearIfPending();
    this.#cell().outputs.push({ kind: 'file', path, displayId, area: this.#area });
  }

  has(displayId: string): boolean {
    return this.#filesReplacedBy(displayId).length > 0;
  }

  /** Makes all outputs of this display show the new file. */
  update(displayId: string, path: string): void {
    this.#dropped.push(...this.#filesReplacedBy(displayId));
    for (const output of this.#files()) if (output.displayId === displayId) output.path = path;
  }

  /** An Output widget starts or stops capturing: it contains what comes meanwhile. */
  enter({ id, state }: Output & { kind: 'widget' }): void {
    if (state?.isCapturing !== undefined) this.#area = state.isCapturing ? id : undefined;
  }

  clear(wait: boolean): void {
    const cell = this.#cell();
    cell.isClearPending = true;
    cell.clearArea = this.#area;
    if (!wait) this.#clearIfPending();
  }

  /** The files that the next output, or the next update of this display, will replace. */
  #filesReplacedBy(displayId: string | undefined): string[] {
    if (displayId !== undefined)
      return pathsOf(this.#files().filter((output) => output.displayId === displayId));
    const { outputs, isClearPending } = this.#cell();
    if (!isClearPending) return [];
    const uncleared = new Set(this.#uncleared());
    const cleared = new Set<CellOutput>(outputs.filter((output) => !uncleared.has(output)));
    // Another output may show the same file, after an update of its display.
    const shown = new Set(pathsOf(this.#files().filter((output) => !cleared.has(output))));
    return this.files.filter((path) => !shown.has(path));
  }

  /** The files that have lost their last output since the last call. */
  takeDropped(): string[] {
    return this.#dropped.splice(0);
  }

  get files(): string[] {
    return pathsOf(this.#files());
  }

  get picture(): CellsPicture {
    return { current: this.#current, cells: [...this.#cells] };
  }

  /** Restores a snapshot. The spool has only `streamBytes`: text on its way to the disk was lost with the process. */
  restore({ current, cells }: CellsPicture, streamBytes: number): void {
    this.#current = current;
    this.#cells = new Map(cells);
    for (const cell of this.#cells.values()) {
      cell.outputs = cell.outputs.filter((each) => each.kind === 'file' || each.spooled.from < streamBytes);
      for (const each of cell.outputs)
        if (each.kind === 'stream') each.spooled.to = Math.min(each.spooled.to, streamBytes);
    }
  }

  #cell(): RecordedCell {
    const known = this.#cells.get(this.#current);
    const cell = known ?? { count: null, outputs: [], isClearPending: false };
    if (known === undefined) this.#cells.set(this.#current, cell);
    return cell;
  }

  #clearIfPending(): void {
    this.#dropped.push(...this.#filesReplacedBy(undefined));
    this.#cell().outputs = this.#uncleared();
    this.#cell().isClearPending = false;
  }

  /** What remains of the current cell once a clear that is pending is done. */
  #uncleared(): CellOutput[] {
    const { outputs, isClearPending, clearArea } = this.#cell();
    if (!isClearPending) return outputs;
    return clearArea === undefined ? [] : outputs.filter(({ area }) => area !== clearArea);
  }

  /** All outputs that have a file. */
  #files(): (CellOutput & { kind: 'file' })[] {
    const outputs = [...this.#cells.values()].flatMap((cell) => cell.outputs);
    return outputs.filter((output) => output.kind === 'file');
  }
}

/** Each path once. */
function pathsOf(outputs: readonly (CellOutput & { kind: 'file' })[]): string[] {
  return [...new Set(outputs.map(({ path }) => path))];
}
