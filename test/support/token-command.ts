import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A program that prints short-lived tokens, and a check of them for a front. */
export interface TokenCommand extends AsyncDisposable {
  folder: string;
  /** For `KG_AUTH_COMMAND`. */
  setting: string;
  /** Whether the program has printed this header's token and it has not expired. */
  isValid(authorization: string | undefined): boolean;
  tokens(): string[];
  /** `begin` and `end` of each run, in order. */
  runs(): Promise<string[]>;
}

export async function startTokenCommand(lifeMs: number): Promise<TokenCommand> {
  const folder = await mkdtemp(join(tmpdir(), 'sparkthread-token-'));
  const [script, log, issued] = ['token.sh', 'log', 'issued'].map((name) => join(folder, name));
  if (script === undefined || log === undefined || issued === undefined) throw new Error('no paths');
  await writeFile(log, '');
  await writeFile(issued, '');
  await writeFile(
    script,
    [
      `echo begin >> '${log}'`,
      'token=$(cat /proc/sys/kernel/random/uuid)',
      `end=$(( $(date +%s%3N) + ${lifeMs} ))`,
      `echo "$token $end" >> '${issued}'`,
      `echo end >> '${log}'`,
      `printf '{"token":"%s","expiresAt":%s}' "$token" "$end"`,
    ].join('\n'),
  );
  const readIssued = () =>
    readFileSync(issued, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' '));
  return {
    folder,
    setting: `sh '${script}'`,
    isValid: (authorization) =>
      readIssued().some(([token, end]) => authorization === `Bearer ${token}` && Date.now() < Number(end)),
    tokens: () => readIssued().map(([token = '']) => token),
    runs: async () => (await readFile(log, 'utf8')).trim().split('\n'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
