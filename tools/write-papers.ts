import { writeFile } from 'node:fs/promises';
import { papers } from './papers.ts';

for (const [path, write] of Object.entries(papers)) {
  await writeFile(new URL(`../${path}`, import.meta.url), write());
  process.stdout.write(`${path} written\n`);
}
