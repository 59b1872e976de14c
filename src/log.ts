import { pino, type Logger } from 'pino';

export type Log = Logger;

/**
 * The process's log: JSON lines on stdout, each with an `event` for programs (`run.ended`: thing and what happened to
 * it, never reworded) beside its sentence for people, and with ids as fields of their own. Each secret is cut out of
 * every line wherever it stands, because an error's text from a library may carry a URL with a token in it.
 */
export function startLog({ level, secrets }: { level: string; secrets: Secrets }): Log {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    hooks: { streamWrite: (line) => secrets.hideIn(line) },
  });
}

/** A log that says nothing, for parts that are used without one. */
export const silentLog: Log = pino({ enabled: false });

/** A token that is renewed each few minutes is no secret any more when so many have followed. */
const LEARNED_SECRETS = 100;

/** What no log may show: the settings' secrets, and those that are learned while the process runs. */
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

/** The forms in which a secret may turn up: as it is, in a URL, in JSON, in a Basic header's base64 is the caller's to add. */
function secretForms(secrets: readonly string[]): string[] {
  const forms = secrets
    .filter((secret) => secret.length >= 4)
    .flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]);
  return [...new Set(forms)].toSorted((a, b) => b.length - a.length);
}
