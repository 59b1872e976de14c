import { pino, type Logger } from 'pino';

export type Log = Logger;

/**
 * The process's log: JSON lines on stdout, each with an `event` for programs (`run.ended`: thing and what happened to
 * it, never reworded) beside its sentence for people, and with ids as fields of their own. Each secret is cut out of every line wherever it stands, because an
 * error's text from a library may carry a URL with a token in it.
 */
export function startLog(options: { level: string; secrets: readonly string[] }): Log {
  const secrets = secretForms(options.secrets);
  return pino({
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    hooks: { streamWrite: (line) => hideSecrets(line, secrets) },
  });
}

/** A log that says nothing, for parts that are used without one. */
export const silentLog: Log = pino({ enabled: false });

/** The forms in which a secret may turn up: as it is, in a URL, in JSON, in a Basic header's base64 is the caller's to add. */
function secretForms(secrets: readonly string[]): string[] {
  const forms = secrets
    .filter((secret) => secret.length >= 4)
    .flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]);
  return [...new Set(forms)].toSorted((a, b) => b.length - a.length);
}

function hideSecrets(line: string, secrets: readonly string[]): string {
  let shown = line;
  for (const secret of secrets) if (shown.includes(secret)) shown = shown.replaceAll(secret, '[secret]');
  return shown;
}
