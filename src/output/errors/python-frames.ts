import { CUT, quotedCode, shortHeadline, type PrintedGroup } from './kernel-error.ts';

/** One frame of a Python traceback, as IPython or plain Python prints it. */
export interface PythonFrame {
  /** In the user's own code (a cell) rather than in a library. */
  isUser: boolean;
  /** In code that `%%time` or `%time` runs. */
  isTimed: boolean;
  /** In a function that an earlier snippet defined. */
  isEarlier: boolean;
  /** The `n` of the cell's `In [n]`, if known. */
  cell: string | undefined;
  line: number | undefined;
  /** Function name without its arguments. */
  name: string | undefined;
  code: string | undefined;
  /** All lines of the frame. */
  text: string[];
}

const OWN_FRAMES = [
  /^\s*(?:Cell|Input) In ?\[(?<cell>\d+)\](?:, line (?<line>\d+))?(?:, in (?<name>[^(]+))?(?:\(.*\))?$/,
  /^\s*File "(?:<[^>]*>|[^"]*ipykernel_\d+\/\d+\.py)", line (?<line>\d+)(?:, in (?<name>.+))?$/,
  /^\s*File <timed (?:exec|eval)>:(?<line>\d+)(?:, in (?<name>[^(]+))?(?:\(.*\))?$/,
  /^<ipython-input-(?<cell>\d+)-[^>]+> in (?<name>[^(]+)(?:\(.*\))?$/,
];
const LIBRARY = /^\s*(?:File .+:\d+(?:, in .+)?|File ".+", line \d+(?:, in .+)?|(?:\/|[A-Z]:\\|~).+ in .+)$/;
const ARROW = /^-+> *(\d+) ?(.*)$/;

/** Lines that name a frame or quote code are not longer. */
const LINE_CHARS = 1_000;
/** In how many first and last frames the code is searched: a recursion has thousands, all alike. */
const FRAMES_READ = 30;
/** Listings have no more lines. */
const LINES_READ = 60;

/** The frames of a traceback in order; text outside of frames is left out. */
export function readPythonFrames(traceback: string): PythonFrame[] {
  const frames: PythonFrame[] = [];
  let open: PythonFrame | undefined;
  for (const sent of traceback.split('\n')) {
    const text = sent.length > LINE_CHARS ? `${sent.slice(0, LINE_CHARS)}…` : sent;
    const next = openFrame(text);
    if (next !== undefined) {
      frames.push(next);
      open = next;
    } else if (text === CUT) {
      // Its code was not read.
      if (open?.text.length === 1) frames.pop();
      open = undefined;
    } else if (open !== undefined && /^\S/.test(text) && !ARROW.test(text)) open = undefined;
    else if (open !== undefined) addLine(open, text);
  }
  return complete(frames);
}

/**
 * A worker's frames have neither cell nor code; these are taken from IPython's listings. PySpark 4 passes its frames to
 * IPython, too, which lists them as if the first line of the function had failed, and as nameless as the cell's own frame,
 * which is the first. Only the cell in such a listing is right.
 */
function complete(frames: readonly PythonFrame[]): PythonFrame[] {
  const read =
    frames.length > 2 * FRAMES_READ
      ? [...frames.slice(0, FRAMES_READ), ...frames.slice(-FRAMES_READ)]
      : frames;
  const ofWorker = read.filter(
    ({ isUser, cell, line }) => isUser && cell === undefined && line !== undefined,
  );
  const doubles = read.filter(
    ({ cell, name, line }, at) =>
      at > 0 && cell !== undefined && name === undefined && ofWorker.some((frame) => frame.line === line),
  );
  return frames
    .filter((frame) => !doubles.includes(frame))
    .map((frame) => {
      if (!ofWorker.includes(frame)) return frame;
      const cell = doubles.find(({ line }) => line === frame.line)?.cell;
      return { ...frame, cell, code: frame.code ?? contextOf(frame, read) };
    });
}

/** Whether a line is only the head of the function of this frame, which cannot have failed there. */
function isHeadOf({ name }: PythonFrame, line: string | undefined): boolean {
  const [, head, rest] = /^\s*(?:async\s+)?def (\w+)(\(.*)$/.exec(line ?? '') ?? [];
  return head !== undefined && head === name && !/\)\s*(->[^:]*)?:\s*[^\s#]/.test((rest ?? '').slice(0, 500));
}

/** The innermost frame of the user's own code. */
export function ownFrame(frames: readonly PythonFrame[]): PythonFrame | undefined {
  return frames.findLast((frame) => frame.isUser && frame.line !== undefined);
}

/** `line 2, in add: return a + b`. */
export function lineWords(frame: PythonFrame): string {
  const place = frame.name === undefined ? `line ${frame.line}` : `line ${frame.line}, in ${frame.name}`;
  return frame.code === undefined || frame.code.trim() === '' ? place : `${place}: ${quotedCode(frame.code)}`;
}

function openFrame(text: string): PythonFrame | undefined {
  const own = OWN_FRAMES.map((pattern) => pattern.exec(text)?.groups).find((groups) => groups !== undefined);
  if (own === undefined && !LIBRARY.test(text)) return undefined;
  const { cell, line, name } = own ?? {};
  const isModule = name === undefined || name.startsWith('<module>') || name.startsWith('<cell line');
  return {
    isUser: own !== undefined,
    isTimed: text.trimStart().startsWith('File <timed '),
    isEarlier: false,
    cell,
    line: line === undefined ? undefined : Number(line),
    name: isModule ? undefined : name,
    code: undefined,
    text: [text],
  };
}

function addLine(open: PythonFrame, text: string): void {
  open.text.push(text);
  const pointed = ARROW.exec(text);
  if (pointed !== null) {
    open.line ??= Number(pointed[1]);
    open.code ??= pointed[2];
  } else if (open.text.length === 2 && /^ {4}\S/.test(text) && !/^ {4,}\d+ /.test(text)) open.code ??= text;
}

/**
 * The code of a worker's frame, taken from the cell's listing if that also shows the function, so that it is certainly
 * the same cell.
 */
function contextOf(unplaced: PythonFrame, frames: readonly PythonFrame[]): string | undefined {
  for (const { text, isUser, code: failing } of frames) {
    if (isHeadOf(unplaced, failing)) continue;
    const listing = text.slice(0, LINES_READ).flatMap((each) => /^(?:-+>)? *(\d+) (.*)$/.exec(each) ?? []);
    const code = listing[listing.indexOf(String(unplaced.line)) + 1];
    const names =
      unplaced.name === '<lambda>'
        ? code?.includes('lambda')
        : text.slice(0, LINES_READ).some((each) => each.includes(`def ${unplaced.name}(`));
    if (isUser && listing.includes(String(unplaced.line)) && names === true) return code;
  }
  return undefined;
}

const HEADER = /^ {2}\+ Exception Group Traceback \(most recent call last\):$/gm;
const RULER = /^[ |]*\+(?:-\+)?-+ (?:\d+|\.\.\.) -+$/;
const MEMBERS_NAMED = 3;
const MEMBER_CHARS = 90;

/** The exception group at the end of `printed`; undefined if there is none. */
export function readPrintedGroup(printed: string): PrintedGroup | undefined {
  const start = [...printed.matchAll(HEADER)].at(-1)?.index;
  if (start === undefined) return undefined;
  const whole = printed.slice(start);
  const lines = whole.trimEnd().split('\n');
  // text printed after the group lacks its margin
  if (lines.some((line) => !/^ +[|+]/.test(line))) return undefined;
  const first = lines.findIndex((line) => RULER.test(line));
  if (first === -1) return undefined;
  const traceback = lines.slice(0, first).map((line) => line.slice(4));
  return { traceback: traceback.join('\n'), members: nameMembers(lines.slice(first)), whole };
}

function nameMembers(lines: readonly string[]): string {
  const sections: string[][] = [];
  for (const line of lines) {
    if (RULER.test(line)) sections.push([]);
    else sections.at(-1)?.push(line.replace(/^ *[|+] ?/, ''));
  }
  const members = sections.flatMap(nameMember);
  const remaining = members.length - MEMBERS_NAMED;
  const named = members.slice(0, remaining === 1 ? members.length : MEMBERS_NAMED);
  return [...named.map((line) => `• ${line}`), ...(remaining > 1 ? [`… and ${remaining} more`] : [])].join(
    '\n',
  );
}

/** A nested group is represented by its own members. */
function nameMember(lines: readonly string[]): string[] {
  const words = lines.find((line) => /^[\w.]+(: |:?$)/.test(line) && !line.startsWith('Traceback '));
  if (words === undefined || / \(\d+ sub-exceptions?\)$/.test(words)) return [];
  const own = ownFrame(readPythonFrames(lines.join('\n')));
  return [`${shortHeadline(words, MEMBER_CHARS)}${own === undefined ? '' : ` (${lineWords(own)})`}`];
}
