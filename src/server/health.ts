/** What can be said of one thing the bot stands on. `detail` is a sentence for an operator, without secrets. */
export interface Health {
  ok: boolean;
  detail: string;
}

export type HealthCheck = () => Promise<Health>;

export interface Readiness {
  ready: boolean;
  parts: Readonly<Record<string, Health>>;
}

/** Asks every part at once. Never rejects: a part that cannot be asked is not well, nor is one that is silent for `patienceMs`. */
export async function readReadiness(
  checks: Readonly<Record<string, HealthCheck>>,
  patienceMs: number,
): Promise<Readiness> {
  const asked = Object.entries(checks).map(
    async ([part, check]) => [part, await settled(check, patienceMs)] as const,
  );
  const parts = Object.fromEntries(await Promise.all(asked));
  return { ready: Object.values(parts).every(({ ok }) => ok), parts };
}

/** The same check, asked at most once every `keepMs`; those who ask meanwhile get the last answer or wait for the same one. */
export function atMostEvery(keepMs: number, check: HealthCheck, now: () => number = Date.now): HealthCheck {
  let last: { answer: Promise<Health>; atMs: number } | undefined;
  return () => {
    if (last === undefined || now() - last.atMs >= keepMs) last = { answer: check(), atMs: now() };
    return last.answer;
  };
}

async function settled(check: HealthCheck, patienceMs: number): Promise<Health> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<Health>((resolve) => {
    const detail = `No answer within ${patienceMs / 1000} s.`;
    timer = setTimeout(() => resolve({ ok: false, detail }), patienceMs);
  });
  try {
    return await Promise.race([check(), silence]);
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
