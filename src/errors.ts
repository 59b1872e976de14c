/**
 * One class of error for each party that has to act. A snippet that fails is not an error but a `RunOutcome`.
 * No message here may contain a token or a URL with credentials.
 */

/** The author of a snippet asked for something that cannot be done. Only the author sees the message. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly code: UserErrorCode;
  constructor(code: UserErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
export type UserErrorCode =
  | 'emptySnippet'
  | 'unknownLanguage'
  | 'ambiguousLanguage'
  | 'mixedLanguages'
  | 'snippetTooLong'
  | 'notAllowed'
  | 'queueFull'
  | 'tooManyRuns'
  | 'tooManyKernels'
  | 'nothingToStop'
  | 'notAsked'
  | 'botNotInChannel'
  | 'unknownChannel'
  | 'unreadableFile'
  | 'badCommand'
  | 'notTaken'
  | 'late'
  | 'noKernel';

/**
 * The store gave no answer in time (`silent`) or refused. `newer`: a newer version has written it. `notLeader`: the store
 * does not accept this process's lease any more. A request that was waiting for the store does not count as accepted.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: 'silent' | 'refused' | 'newer' | 'locked' | 'notLeader';
  constructor(code: StoreError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** All mistakes in the settings, one sentence each. The process ends with exit code 78. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}
