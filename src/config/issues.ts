/** What is found while settings are read together. Nothing in it holds a secret. */
export interface Findings {
  /** One sentence each; any of them keeps the bot from starting. */
  problems: string[];
  /** One sentence each, told at the start. */
  warnings: string[];
  /** Settings that were given and could not be read: told already, so not to be called missing. */
  unread: ReadonlySet<string>;
}
