/** Something on this machine has to be corrected first; the message says what, in full. */
export class SetupError extends Error {
  override name = 'SetupError';
}
