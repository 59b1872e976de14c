/** One word, so that it can stand in a command; what it may hold is no markup in Slack and no separator in a key. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,39}$/u;

/** What a name looks like, for people. */
export const NAME_FORM =
  'A name is one word of at most 40 letters, digits, dots, hyphens and underscores, such as daily-report.';

/** The name of a saved snippet as it was typed; undefined for what cannot be one. */
export function readName(typed: string): string | undefined {
  const name = typed.trim().normalize('NFC');
  return NAME.test(name) ? name : undefined;
}

/** Names that differ in case alone are one: a phone begins with a capital. */
export function nameKey(name: string): string {
  return name.toLowerCase();
}
