/**
 * What can go wrong, cut by who must act. A snippet that fails is no error: it is a `RunOutcome`.
 * No message here may hold a token or a credential URL.
 */

/** The author of a snippet did something that cannot be done; shown only to them. */
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
 * The store gave no answer in time, or refused; `notLeader`: the lease of this process is not the store's any more.
 * Nothing that waited for it counts as accepted.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: 'silent' | 'refused' | 'locked' | 'notLeader';
  constructor(code: StoreError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Every wrong setting at once, one sentence each. The process ends with exit code 78. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}
