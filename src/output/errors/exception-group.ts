import { lineWords, ownFrame, readPythonFrames } from './python-frames.ts';
import { shortHeadline, type PrintedGroup } from './kernel-error.ts';

const HEADER = /^ {2}\+ Exception Group Traceback \(most recent call last\):$/gm;
const RULER = /^[ |]*\+(?:-\+)?-+ (?:\d+|\.\.\.) -+$/;
const MEMBERS_NAMED = 3;
const MEMBER_CHARS = 90;

/** The group that `printed` ends with; undefined when it ends otherwise. */
export function readPrintedGroup(printed: string): PrintedGroup | undefined {
  const start = [...printed.matchAll(HEADER)].at(-1)?.index;
  if (start === undefined) return undefined;
  const whole = printed.slice(start);
  const lines = whole.trimEnd().split('\n');
  // what was printed behind it does not stand at its margin
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
  const left = members.length - MEMBERS_NAMED;
  const named = members.slice(0, left === 1 ? members.length : MEMBERS_NAMED);
  return [...named.map((line) => `• ${line}`), ...(left > 1 ? [`… and ${left} more`] : [])].join('\n');
}

/** A group within the group has members of its own. */
function nameMember(lines: readonly string[]): string[] {
  const words = lines.find((line) => /^[\w.]+(: |:?$)/.test(line) && !line.startsWith('Traceback '));
  if (words === undefined || / \(\d+ sub-exceptions?\)$/.test(words)) return [];
  const own = ownFrame(readPythonFrames(lines.join('\n')));
  return [`${shortHeadline(words, MEMBER_CHARS)}${own === undefined ? '' : ` (${lineWords(own)})`}`];
}
