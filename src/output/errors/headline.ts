const longestHeadline = 200;

/** One line of at most `longest` characters, so that the user's own line still stands near the top. */
export function shortHeadline(text: string, longest = longestHeadline): string {
  const line = text.trim().replaceAll(/\s*\n\s*/g, ' ');
  if (line.length <= longest) return line;
  const cut = line.slice(0, longest);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), longest - 40))} …`;
}

/** A line of code as it is quoted: trimmed, not too long. */
export function quotedCode(code: string): string {
  const line = code.trim();
  return line.length > 120 ? `${line.slice(0, 120)} …` : line;
}

/** Number (from 1) of the only line of `code` that reads `line`, whichever quotes it has. */
export function lineNumberOf(line: string, code: string | undefined): number | undefined {
  const wanted = plainForm(line);
  const numbers = (code ?? '')
    .split('\n')
    .flatMap((each, index) => (plainForm(each) === wanted ? [index + 1] : []));
  return numbers.length === 1 ? numbers[0] : undefined;
}

/** `line 1: x / y`, when the code has no other line that could be meant. */
export function onlyLine(code: string | undefined): string | undefined {
  const lines = (code ?? '')
    .split('\n')
    .flatMap((text, index) => (text.trim() === '' ? [] : [{ text, number: index + 1 }]));
  const [line] = lines;
  return line === undefined || lines.length > 1 ? undefined : `line ${line.number}: ${quotedCode(line.text)}`;
}

function plainForm(line: string): string {
  return line.replaceAll("'", '"').replaceAll(/\s+/g, '');
}
