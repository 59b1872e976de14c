import { distance } from 'fastest-levenshtein';

/** Up to three of the usable words, the nearest first; none when all are far. */
export function nearestWords(word: string, usable: readonly string[]): string[] {
  const lower = word.toLowerCase();
  return usable
    .map((each) => ({ each, off: distance(lower, each.toLowerCase()) }))
    .filter(({ each, off }) => off <= Math.max(1, Math.min(3, each.length / 2)))
    .toSorted((a, b) => a.off - b.off)
    .slice(0, 3)
    .map(({ each }) => each);
}

/** Words of honest code that are one letter away from a language. */
const honestWords = new Set(['spark', 'scale', 'scales', 'scalar']);

/** Whether a word is one slip of the finger away from a usable one. */
export function isMisspelt(word: string, usable: readonly string[]): boolean {
  const lower = word.toLowerCase();
  if (lower.length < 5 || honestWords.has(lower)) return false;
  return usable.some((each) => {
    const right = each.toLowerCase();
    const off = distance(lower, right);
    return right.length >= 5 && (off === 1 || (off === 2 && sorted(lower) === sorted(right)));
  });
}

/** Two letters swapped cost two changes but leave the same letters. */
function sorted(word: string): string {
  return Array.from(word)
    .toSorted((a, b) => a.localeCompare(b))
    .join('');
}
