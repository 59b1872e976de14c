import { pino, type Logger } from 'pino';

export type Log = Logger;

/**
 * The process's log: JSON lines on stdout. Each line has a sentence for people, an `event` for programs (`run.ended`: a
 * thing and what happened to it; it never changes), and ids as separate fields. Secrets are removed from the finished
 * line, because an error message of a library may contain a URL with a token.
 */
export function startLog({ level, secrets }: { level: string; secrets: Secrets }): Log {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: showError },
    hooks: { streamWrite: (line) => secrets.hideIn(line) },
  });
}

/** Of errors.ts and gateway/errors.ts: a requester or an operator acts on the message, and a stack tells them nothing. */
const CLASSIFIED = new Set(['UserError', 'GatewayError', 'StoreError', 'ConfigError']);

/** A mistake of ours or data of another form: a developer needs its stack, also behind a classified error. */
const MISTAKES = new Set(['TypeError', 'RangeError', 'ReferenceError', 'ZodError']);

/** What was thrown may be anything. */
export function showError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const shown = pino.stdSerializers.err(error);
  const { name, message, cause } = error;
  const isActedOn = CLASSIFIED.has(name) && !(cause instanceof Error && MISTAKES.has(cause.name));
  return isActedOn ? { ...shown, message, stack: undefined } : shown;
}

/** A log without output, for callers that have no log. */
export const silentLog: Log = pino({ enabled: false });

/** A log that writes nothing: `take` gets the sentences of warnings and errors. */
export function warningsTo(take: (sentence: string) => void): Log {
  return pino({ level: 'warn', hooks: { logMethod: (given) => take(String(given.at(-1))) } });
}

/** How many secrets are remembered. A token that is renewed every few minutes has long expired after so many others. */
const LEARNED_SECRETS = 100;

/** What must never appear in a log: the secrets of the settings, and those that the process learns while it runs. */
export class Secrets {
  readonly #given: readonly string[];
  #learned: string[] = [];
  #forms: readonly string[];

  constructor(given: readonly string[] = []) {
    this.#given = given;
    this.#forms = secretForms(given);
  }

  add(secret: string): void {
    if (this.#learned.includes(secret)) return;
    this.#learned = [secret, ...this.#learned].slice(0, LEARNED_SECRETS);
    this.#forms = secretForms([...this.#given, ...this.#learned]);
  }

  hideIn(line: string): string {
    let shown = line;
    for (const secret of this.#forms)
      if (shown.includes(secret)) shown = shown.replaceAll(secret, '[secret]');
    return shown;
  }
}

/**
 * A secret as it is, in a URL, in a query and in JSON. The base64 form of a Basic header has to be added by the caller.
 */
function secretForms(secrets: readonly string[]): string[] {
  const forms = secrets
    .filter((secret) => secret.length >= 4)
    .flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      new URLSearchParams([['', secret]]).toString().slice(1),
      JSON.stringify(secret).slice(1, -1),
    ]);
  return [...new Set(forms)].toSorted((a, b) => b.length - a.length);
}
