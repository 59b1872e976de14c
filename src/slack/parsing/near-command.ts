import { distance } from 'fastest-levenshtein';
import { type Command, commandWords, readCommand } from './command.ts';

/** What people try where they look for help. */
const CALLS_FOR_HELP = /^(?:-h|--?help|\/help|\?|man)$/i;

const SPACED_NAME = /^(?:save|forget)(?:[ \t]+[\p{L}\p{N}][\p{L}\p{N}._-]*){2,5}$/iu;

/**
 * Bare text of one word or of a command's shape that is nearly a command (`restrat`, `-h`, `help use`, `kernel`): it is
 * asked back, because in public it would run as code and fail. `meant` is the command. Undefined for all else, such as
 * `help(sc)` and `stop = 1`.
 */
export function readNearCommand(text: string): (Command & { kind: 'near' }) | undefined {
  const typed = text.trim();
  const [word = '', argument, ...more] = typed.split(/[ \t]+/);
  // A name of several words: no code in any language of notebooks.
  if (SPACED_NAME.test(typed))
    return { kind: 'near', typed, meant: `${word.toLowerCase()} ${[argument, ...more].join('-')}` };
  if (word === '' || more.length > 0 || typed.includes('\n')) return undefined;
  const near = (meant: string) => ({ kind: 'near', typed, meant }) as const;
  if (argument === undefined) {
    if (CALLS_FOR_HELP.test(word)) return near('help');
    // `restart!` is written to somebody.
    const letters = word.replace(/[.!]+$/, '').toLowerCase();
    const meant = commandWords.includes(letters) && letters.length < word.length ? letters : nearest(letters);
    return meant === undefined ? undefined : near(meant);
  }
  const lower = word.toLowerCase();
  // Two words are no code in any language of notebooks, unless one of them is a keyword.
  if (commandWords.includes(lower))
    return /^\p{L}+$/u.test(argument) && !KEYWORDS.has(argument) ? near(lower) : undefined;
  const meant = nearest(word);
  const command = meant === undefined ? undefined : readCommand(`${meant} ${argument}`);
  return command === undefined || command.kind === 'malformed' ? undefined : near(`${meant} ${argument}`);
}

const KEYWORDS = new Set(['if', 'in', 'is', 'and', 'or', 'not', 'for', 'as', 'else', 'to', 'until', 'match']);

/**
 * The command that a word was meant to be: its letters in another order, the first four of them or more, or one slip
 * (two in a long word). Short ones are near too many names of variables, such as `step`, for a slip to be certain.
 */
function nearest(word: string): string | undefined {
  const lower = word.toLowerCase();
  if (!/^[a-z]+$/.test(lower) || commandWords.includes(lower)) return undefined;
  return commandWords.find((command) => {
    if (sortLetters(command) === sortLetters(lower)) return command.length > 3;
    if (lower.length >= 4 && command.startsWith(lower)) return true;
    return command.length > 4 && distance(command, lower) <= (command.length > 7 ? 2 : 1);
  });
}

function sortLetters(word: string): string {
  return Array.from(word).toSorted().join('');
}
