import { writeFile } from 'node:fs/promises';
import { generatedDocs } from './generated-docs.ts';

for (const [path, write] of Object.entries(generatedDocs)) {
  await writeFile(new URL(`../${path}`, import.meta.url), write());
  process.stdout.write(`${path} written\n`);
}
