/** What a person can ask of the bot beside running code. */
export type Command =
  | { kind: 'help' | 'languages' | 'status' | 'stop' | 'history' | 'kernels' }
  | { kind: 'use'; language: string }
  | { kind: 'auto'; on: boolean }
  /** `channel`: a name with its `#`, or an id without; absent: the channel it was said in. */
  | { kind: 'restart' | 'shutdown'; channel?: string }
  /** Nearly a command: asked back rather than run. */
  | { kind: 'near'; typed: string; meant: string }
  /** The form of a command with something missing or wrong; the sentence says what would be right. */
  | { kind: 'malformed'; sentence: string };

const plain = ['help', 'languages', 'status', 'stop', 'history', 'kernels', 'restart', 'shutdown'] as const;
/** The first word of every command. */
export const commandWords: readonly string[] = [...plain, 'use', 'auto'];
const bang = ['stop', 'restart', 'status', 'help'] as const;

/**
 * A command, when the whole of a bare text has a command's form. Everything else is code: `help me`, `stop = 1`,
 * `status()`. Case does not count, because a phone begins with a capital.
 */
export function readCommand(text: string): Command | undefined {
  const [word = '', argument, ...more] = text.trim().split(/[ \t]+/);
  if (more.length > 0) return undefined;
  const lower = word.toLowerCase();
  if (argument === undefined) return readOneWord(lower);
  switch (lower) {
    case 'use':
      return /^[\p{L}\p{N}.+#_-]+$/u.test(argument) ? { kind: 'use', language: argument } : undefined;
    case 'auto':
      return readAuto(argument);
    case 'restart':
    case 'shutdown':
      return readChannelCommand(lower, argument);
    default:
      return undefined;
  }
}

/** `!stop`, `!restart`, `!status`, `!help`: commands in the bot's threads, where Slack allows no slash commands. */
export function readBangCommand(text: string): Command | undefined {
  const word = text.trim().toLowerCase();
  const kind = bang.find((each) => word === `!${each}`);
  return kind === undefined ? undefined : { kind };
}

/** A lone `!word` in a thread of the bot that is none of these: nothing runs, and there it is said what there is. */
export function readUnknownBang(text: string): Command | undefined {
  if (!/^!\p{L}+$/u.test(text.trim())) return undefined;
  const known = bang.map((each) => `!${each}`).join(', ');
  return { kind: 'malformed', sentence: `In a thread these are commands: ${known}. Nothing ran.` };
}

function readOneWord(word: string): Command | undefined {
  const kind = plain.find((each) => each === word);
  if (kind !== undefined) return { kind };
  if (word === 'use')
    return {
      kind: 'malformed',
      sentence: 'Say which language: use python2. The command languages lists them.',
    };
  if (word === 'auto') return { kind: 'malformed', sentence: 'Say auto on or auto off.' };
  return undefined;
}

function readAuto(argument: string): Command | undefined {
  const word = argument.toLowerCase();
  if (word === 'on' || word === 'off') return { kind: 'auto', on: word === 'on' };
  return /^\p{L}+$/u.test(word)
    ? { kind: 'malformed', sentence: `Say auto on or auto off, not auto ${argument}.` }
    : undefined;
}

function readChannelCommand(kind: 'restart' | 'shutdown', argument: string): Command | undefined {
  // A name has no capitals, so `#C024BE91L` is an id that Slack gave no name to.
  const [, id] = /^(?:<#|#)?([CGD][A-Z0-9]+)(?:\|[^<>]*)?>?$/.exec(argument) ?? [];
  if (id !== undefined) return { kind, channel: id };
  if (/^#[^\s#<>]+$/.test(argument)) return { kind, channel: argument };
  return /^[\p{Ll}\p{N}_-]+$/u.test(argument)
    ? { kind: 'malformed', sentence: `Name the channel as #${argument}: ${kind} #${argument}.` }
    : undefined;
}
