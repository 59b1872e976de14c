import { z } from 'zod';

/** One change of what a notebook's cells have said. */
const stepSchema = z.discriminatedUnion('op', [
  z.object({ op: z.literal('cell'), cell: z.number() }),
  z.object({ op: z.literal('count'), count: z.number() }),
  /** Stream text of this name begins at this byte of the streams' file; without `to` it ends where the next one begins. */
  z.object({ op: z.literal('stream'), name: z.string(), at: z.number(), to: z.number().optional() }),
  z.object({ op: z.literal('out'), file: z.number(), bytes: z.number(), id: z.string().optional() }),
  z.object({ op: z.literal('update'), id: z.string(), file: z.number(), bytes: z.number() }),
  z.object({ op: z.literal('clear'), wait: z.boolean() }),
]);
export type RecordStep = z.infer<typeof stepSchema>;

/** Undefined for a line that is none, or was cut in two. */
export function readStep(line: string): RecordStep | undefined {
  try {
    return stepSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** Where an output is on the disk. */
export type RecordedOutput = StreamRange | { kind: 'file'; file: number; id: string | undefined };

/** Bytes of the streams' file. */
interface StreamRange {
  kind: 'stream';
  name: string;
  from: number;
  to: number;
}

export interface RecordedCell {
  /** `In [n]`; null where the kernel does not count. */
  count: number | null;
  outputs: RecordedOutput[];
  isClearPending: boolean;
}

/** What stands of the outputs of a notebook's cells after all steps. In memory; the outputs are on the disk. */
export class RecordIndex {
  /** More than that no notebook can show. */
  static readonly MAX_OUTPUTS = 10_000;
  readonly cells = new Map<number, RecordedCell>();
  current: number | undefined;
  /** Of the files that stand. */
  fileBytes = 0;
  outputs = 0;
  /** The stream that text of its name is added to. */
  #open: StreamRange | undefined;
  /** The stream that began last: all bytes of the file from there on are its own. */
  #last: StreamRange | undefined;
  /** By file: its bytes, and how many outputs show it. */
  readonly #files = new Map<number, { bytes: number; uses: number }>();
  #replaced: { file: number; bytes: number }[] = [];

  apply(step: RecordStep): void {
    switch (step.op) {
      case 'cell':
        this.current = step.cell;
        this.#open = undefined;
        this.#cell();
        return;
      case 'count':
        this.#cell().count = Number.isInteger(step.count) && step.count > 0 ? step.count : null;
        return;
      case 'stream':
        return this.#startStream(step);
      case 'out': {
        this.#clearIfPending();
        this.#open = undefined;
        const { file, bytes, id } = step;
        this.#use(file, bytes);
        this.#push({ kind: 'file', file, id });
        return;
      }
      case 'update':
        return this.#update(step);
      case 'clear':
        this.#cell().isClearPending = true;
        if (!step.wait) this.#clearIfPending();
    }
  }

  /** The cell's `In [n]`. */
  get count(): number | null {
    return this.#cell().count;
  }

  /** Whether stream text of this name goes on with the last output. */
  continues(name: string): boolean {
    return this.#open?.name === name && !this.#cell().isClearPending;
  }

  /** The streams' file is so long now. */
  grow(to: number): void {
    if (this.#last !== undefined) this.#last.to = Math.max(this.#last.from, to);
  }

  has(id: string): boolean {
    return this.#displays(id).length > 0;
  }

  sizeOf(id: string): number {
    return this.#files.get(this.#displays(id)[0]?.file ?? 0)?.bytes ?? 0;
  }

  /** Files that nothing shows any more. */
  takeReplaced(): { file: number; bytes: number }[] {
    const replaced = this.#replaced;
    this.#replaced = [];
    return replaced;
  }

  /** The fewest steps that lead here. */
  steps(): RecordStep[] {
    const steps = [...this.cells].flatMap(([cell, { count, outputs, isClearPending }]): RecordStep[] => [
      { op: 'cell', cell },
      ...(count === null ? [] : [{ op: 'count', count } as const]),
      ...outputs.map((output): RecordStep => {
        if (output.kind === 'file')
          return {
            op: 'out',
            file: output.file,
            bytes: this.#files.get(output.file)?.bytes ?? 0,
            id: output.id,
          };
        const { name, from: at, to } = output;
        return { op: 'stream', name, at, ...(output === this.#last ? {} : { to }) };
      }),
      ...(isClearPending ? [{ op: 'clear', wait: true } as const] : []),
    ]);
    return this.current === undefined ? steps : [...steps, { op: 'cell', cell: this.current }];
  }

  #cell(): RecordedCell {
    const number = (this.current ??= 0);
    let cell = this.cells.get(number);
    if (cell === undefined) {
      cell = { count: null, outputs: [], isClearPending: false };
      this.cells.set(number, cell);
    }
    return cell;
  }

  #push(output: RecordedOutput): void {
    this.#cell().outputs.push(output);
    this.outputs += 1;
  }

  #clearIfPending(): void {
    const cell = this.#cell();
    if (!cell.isClearPending) return;
    cell.isClearPending = false;
    for (const output of cell.outputs) if (output.kind === 'file') this.#drop(output.file);
    this.outputs -= cell.outputs.length;
    cell.outputs = [];
    this.#open = undefined;
  }

  #startStream({ name, at, to }: RecordStep & { op: 'stream' }): void {
    this.#clearIfPending();
    this.grow(at);
    const stream: StreamRange = { kind: 'stream', name, from: at, to: to ?? at };
    this.#open = to === undefined ? stream : undefined;
    this.#last = this.#open;
    this.#push(stream);
  }

  /** All outputs of this id show the new file. */
  #update({ id, file, bytes }: RecordStep & { op: 'update' }): void {
    for (const output of this.#displays(id)) {
      this.#drop(output.file);
      output.file = file;
      this.#use(file, bytes);
    }
  }

  #use(file: number, bytes: number): void {
    const uses = (this.#files.get(file)?.uses ?? 0) + 1;
    this.#files.set(file, { bytes, uses });
    if (uses === 1) this.fileBytes += bytes;
  }

  #drop(file: number): void {
    const { bytes, uses } = this.#files.get(file) ?? { bytes: 0, uses: 1 };
    if (uses > 1) {
      this.#files.set(file, { bytes, uses: uses - 1 });
      return;
    }
    this.#files.delete(file);
    this.fileBytes -= bytes;
    this.#replaced.push({ file, bytes });
  }

  #displays(id: string): (RecordedOutput & { kind: 'file' })[] {
    return [...this.cells.values()].flatMap(({ outputs }) =>
      outputs.filter((output) => output.kind === 'file').filter((output) => output.id === id),
    );
  }
}
