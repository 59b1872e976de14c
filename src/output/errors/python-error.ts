import { countOf, joinWords } from '../../text.ts';
import {
  CUT,
  oneLine,
  onlyLine,
  quotedCode,
  shortHeadline,
  type KernelError,
  type LanguageError,
} from './kernel-error.ts';
import { lineWords, ownFrame, readPythonFrames, type PythonFrame } from './python-frames.ts';
import { quotedSql, sparkCause, withoutPlan } from './spark-error.ts';

/** Tracebacks of up to this many lines are shown whole. */
const SHORT_TRACEBACK_LINES = 15;

const CAUSE_CHARS = 140;

/** The line between two exceptions of a chain. */
const CHAIN = /^(The above exception was the direct cause|During handling of the above).*$/m;

export function readPythonError(error: KernelError): LanguageError {
  const [before, worker] = splitAtWorker(error);
  const frames = markEarlier(readPythonFrames(`${lastBlock(before)}\n${lastBlock(worker)}`), error.code);
  // a syntax error repeats its position, with a meaningless file name
  const sent = error.value.trim().replace(/ \(\S+, line \d+\)$/, '');
  const value = sent.startsWith('Traceback') ? (sent.split('\n').at(-1) ?? '') : withoutPlan(sent);
  const message = joinWords(': ', [error.name, value]);
  const headline = shortHeadline(sparkCause(error.value) ?? message);
  const isWhole = headline === message && value === sent;
  const isOfSpark = error.name.endsWith('Exception') && value !== sent;
  const quoted = isOfSpark ? [headline === oneLine(message) ? '' : value, quotedSql(sent)] : [sent];
  const said = quoted.join('\n').trim();
  const rest = isWhole || /Traceback|\n\tat /.test(said) ? '' : said;
  // the members of a group say more than the place where it was created
  const { shown, isFolded } =
    error.group === undefined ? collapseFrames(frames, error.traceback) : { shown: '', isFolded: true };
  const notes = notesBelow(lastBlock(error.traceback), `${error.name}: ${sent}`.trim());
  const isCut = isFolded || isOfSpark || (rest === '' && headline !== shortHeadline(message));
  const own = magicsAsTyped(asTyped(frames, error.code), error.code);
  // It stands above already.
  const below =
    (isWhole || rest !== '') && shown.endsWith(`\n${message}`)
      ? shown.slice(0, -message.length).trimEnd()
      : shown;
  return {
    headline,
    userLine: markedLine(own) ?? userLine(own) ?? magicLine(error) ?? onlyLine(error.code),
    cause: error.group?.members ?? causeOf(worker === '' ? before : worker, message),
    traceback: joinWords('\n\n', [rest, shown.includes(notes) ? '' : notes, below]),
    isFolded: isCut,
  };
}

/** The line that does not compile, with the kernel's mark below the position. */
function markedLine(frames: readonly PythonFrame[]): string | undefined {
  const [frame, ...others] = frames;
  if (frame === undefined || others.length > 0 || !frame.isUser || frame.code === undefined) return undefined;
  const [, indent, mark] = /^( *)(\^+)\s*$/.exec(frame.text[2] ?? '') ?? [];
  const written = frame.text[1] ?? '';
  if (indent === undefined || mark === undefined || written.trim() !== frame.code.trim()) return undefined;
  const line = lineWords(frame);
  const code = quotedCode(frame.code);
  const column = line.length - code.length + indent.length - (written.length - written.trimStart().length);
  const isWithin = line.endsWith(code) && column + mark.length <= line.length + 1;
  return isWithin && column >= 0 ? `${line}\n${' '.repeat(column)}${mark}` : undefined;
}

/** The line of an unknown magic, which the kernel reports without a position. */
function magicLine({ name, value, code }: KernelError): string | undefined {
  const magic = name === 'UsageError' ? /`(%%?\w+)`/.exec(value)?.[1] : undefined;
  if (magic === undefined || code === undefined) return undefined;
  const lines = code.split('\n');
  const at = lines.findIndex((line) => line.includes(magic));
  return at === -1 ? undefined : `line ${at + 1}: ${quotedCode(lines[at] ?? '')}`;
}

/** Splits the traceback where that of a Spark worker begins, which is part of the message and may contain a chain. */
function splitAtWorker({ traceback, value }: KernelError): [before: string, worker: string] {
  const said = value.indexOf('Traceback (most recent call last):\n');
  const at = said === -1 ? -1 : traceback.lastIndexOf(value.slice(said).trimEnd());
  return at === -1 ? [traceback, ''] : [traceback.slice(0, at), traceback.slice(at)];
}

/**
 * Marks frames in functions that earlier snippets defined, whose line numbers are not those of this code. A worker's
 * frame names only the function, not the cell.
 */
function markEarlier(frames: readonly PythonFrame[], code: string | undefined): PythonFrame[] {
  const current = frames.find(({ isUser }) => isUser)?.cell;
  const defined = new Set(Array.from((code ?? '').matchAll(/\bdef (\w+)\(/g), ([, name]) => name));
  return frames.map((frame) => {
    const { cell = current, name = '' } = frame;
    const isElsewhere = code !== undefined && /^\w+$/.test(name) && !defined.has(name);
    return { ...frame, isEarlier: frame.cell === undefined ? isElsewhere : cell !== current };
  });
}

/** The notes (`add_note`) below the message. */
function notesBelow(traceback: string, message: string): string {
  const at = traceback.lastIndexOf(message);
  return at === -1 ? '' : traceback.slice(at + message.length).trim();
}

/**
 * The exception that was handled before, often given as the reason (`raise … from error`), if it says something else.
 */
function causeOf(traceback: string, message: string): string | undefined {
  const [before = '', link] = traceback.split(CHAIN).slice(-3);
  const lines = before.trim().split('\n');
  const last = lines.slice(lines.findLastIndex((line) => line.trim() === '') + 1);
  const cause = last.find((line) => /^[A-Za-z_][\w.]*(: |:?$)/.test(line) && !line.startsWith('Traceback '));
  if (link === undefined || cause === undefined || endsWithWords(message, cause)) return undefined;
  if (cause.includes('RemoteTraceback:')) {
    const own = ownFrame(readPythonFrames(before));
    return own === undefined ? undefined : `In another process: ${lineWords(own)}`;
  }
  const words = link.startsWith('The above') ? 'Caused by' : 'While handling';
  return `${words} ${shortHeadline(cause.replace(/:$/, ''), CAUSE_CHARS)}`;
}

/** Not within a word: `JobTimeoutError` does not repeat `TimeoutError`. */
function endsWithWords(text: string, words: string): boolean {
  return text.endsWith(words) && !/\w/.test(text.charAt(text.length - words.length - 1));
}

/** The last exception of a chain, which is the one that was raised. */
function lastBlock(traceback: string): string {
  return traceback.split(CHAIN).at(-1) ?? '';
}

/**
 * Some kernels insert a line of their own before the code and count it, which shows in a frame one line after the
 * code's end. A frame that quotes other code belongs to an earlier cell; one further behind matches no line of this
 * code.
 */
function asTyped(frames: readonly PythonFrame[], code: string | undefined): readonly PythonFrame[] {
  if (code === undefined) return frames;
  const typed = code.trimEnd().split('\n');
  const isOfNow = ({ isUser, isEarlier, line = 0, code: quoted = '' }: PythonFrame): boolean =>
    isUser && !isEarlier && ['', typed[line - 2]?.trim()].includes(quoted.trim());
  const highest = Math.max(0, ...frames.filter(isOfNow).map(({ line = 0 }) => line));
  if (highest <= typed.length) return frames;
  if (highest > typed.length + 1) return frames.filter((frame) => !isOfNow(frame));
  return frames.map((frame) => {
    const line = isOfNow(frame) && frame.line !== undefined ? frame.line - 1 : undefined;
    return line === undefined ? frame : { ...frame, line, code: typed[line - 1] };
  });
}

/**
 * IPython replaces a magic by a call; this restores what was typed. Code under `%%time` has its own file and line
 * numbers, which begin below the magic.
 */
function magicsAsTyped(frames: readonly PythonFrame[], code: string | undefined): readonly PythonFrame[] {
  const typed = code?.split('\n') ?? [];
  const timeAt = typed.findIndex((line) => line.trim() !== '');
  const isTimed = /^%%time\b/.test(typed[timeAt] ?? '') && frames.some((frame) => frame.isTimed);
  return frames.map((frame) => {
    if (frame.isTimed) {
      const line = timeAt + 1 + (frame.line ?? 0);
      return isTimed ? { ...frame, line, code: typed[line - 1] } : { ...frame, isUser: false };
    }
    const written = typed[(frame.line ?? 0) - 1];
    const isMagic = frame.isUser && /\bget_ipython\(\)\./.test(frame.code ?? '') && written !== undefined;
    if (!isMagic || written.includes('get_ipython()')) return frame;
    return { ...frame, code: written, isUser: !isTimed };
  });
}

function userLine(frames: readonly PythonFrame[]): string | undefined {
  const own = frames.filter((frame) => frame.isUser && frame.line !== undefined);
  const last = own.at(-1);
  const first = own[0];
  if (last === undefined || first === undefined) return undefined;
  // a worker's frame names no cell
  const isSameCell = first.cell === last.cell || first.code?.trim() === last.code?.trim();
  const isSame = first.line === last.line && isSameCell;
  const called = isSame ? '' : ` (called from ${lineWords(first)})`;
  const where = last.cell === undefined ? 'In an earlier snippet, ' : `In [${last.cell}], `;
  const earlier = last.isEarlier ? where : '';
  return `${earlier}${lineWords(last)}${called}`;
}

/**
 * A short traceback as it is; of a long one the user's own frames, with library frames counted and repetitions folded.
 */
function collapseFrames(
  frames: readonly PythonFrame[],
  traceback: string,
): { shown: string; isFolded: boolean } {
  const lines = traceback.trimEnd().split('\n');
  const own = frames.filter((frame) => frame.isUser);
  const isShort = lines.length <= SHORT_TRACEBACK_LINES;
  if (own.length <= 1 && (own.length === frames.length || !isShort)) return { shown: '', isFolded: !isShort };
  const body = lines.filter((line) => !isHeader(line));
  if (isShort) return { shown: body.join('\n').trim(), isFolded: false };
  const shown: string[] = [];
  const leastly = lines.includes(CUT) ? 'at least ' : '';
  let foreign = 0;
  let repeated = 0;
  const flush = () => {
    if (foreign > 0) shown.push(`… ${countOf(foreign, 'frame')} of library code …`);
    const times = repeated === 1 ? 'once' : `${leastly}${repeated} times`;
    if (repeated > 0) shown.push(`… the same ${times} more …`);
    foreign = 0;
    repeated = 0;
  };
  let last = '';
  for (const frame of frames) {
    const text = frame.text.join('\n').trimEnd();
    if (!frame.isUser) {
      if (repeated > 0) flush();
      foreign += 1;
    } else if (text === last) repeated += 1;
    else {
      flush();
      shown.push(text);
      last = text;
    }
  }
  flush();
  return { shown: shown.join('\n'), isFolded: true };
}

function isHeader(line: string): boolean {
  return /^-{20,}$/.test(line) || /^\w+\s+Traceback \(most recent call last\)$/.test(line);
}
