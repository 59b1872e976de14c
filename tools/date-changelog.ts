import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import packageJson from '../package.json' with { type: 'json' };

const HEADING = /^## (\S+), not yet released$/m;

/** The changelog with a date for its newest version. Throws unless its newest heading is this version, unreleased. */
export function dateChangelog(text: string, version: string, date: string): string {
  const [newest] = /^## .*$/m.exec(text) ?? [];
  if (newest !== `## ${version}, not yet released`)
    throw new Error(
      `CHANGELOG.md begins with “${newest ?? 'nothing'}”; what is released is ${version}, not yet released.`,
    );
  return text.replace(HEADING, `## ${version}, ${date}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = new URL('../CHANGELOG.md', import.meta.url);
  const today = new Date().toISOString().slice(0, 10);
  writeFileSync(path, dateChangelog(readFileSync(path, 'utf8'), packageJson.version, today));
}
