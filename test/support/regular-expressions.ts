import { readFileSync } from 'node:fs';

/** Comments, strings and templates are skipped; a division has blanks around it here. */
const tokens =
  /\/\/[^\n]*|\/\*[^]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(?<=[=(,:?!&|[{;\s>])\/(?![*/ ])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[dgimsuvy]*/g;

/** The regular expressions that stand in a file of source. */
export function expressionsIn(path: string): string[] {
  const source = readFileSync(path, 'utf8');
  const literals = Array.from(source.matchAll(tokens), ([token]) => token).filter((token) =>
    /^\/[^/*]/.test(token),
  );
  return [...new Set(literals)].toSorted();
}
