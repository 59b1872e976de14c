/** Writes the composed part of the corpus: `node test/support/write-snippet-corpus.ts`. */
import { writeFileSync } from 'node:fs';
import { composedCases } from './snippet-corpus.ts';

const file = new URL('../fixtures/snippets/composed.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(composedCases(), undefined, 1)}\n`);
