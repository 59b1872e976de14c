import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = new URL('../../../', import.meta.url);

export interface Source {
  /** From the root, with slashes. */
  path: string;
  text: string;
}

/** Every TypeScript file below these folders. */
export function sourcesIn(...folders: readonly string[]): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(fileURLToPath(new URL(folder, root)), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name) && !name.includes('node_modules'))
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .toSorted()
      .map((path) => ({ path, text: textOf(path) })),
  );
}

export function textOf(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}
