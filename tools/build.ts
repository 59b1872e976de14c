/**
 * `npm run build`: writes `dist/`, what `start` and `doctor` run where it comes from this very source: the bot and its
 * packages in a few files of plain JavaScript. It starts in two thirds of the source's time and holds
 * 35 MB less. npm calls it behind `npm ci`.
 */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { OutputOptions } from 'rolldown';

const root = fileURLToPath(new URL('../', import.meta.url));
const dist = `${root}dist/`;

/** The entry points: the programs that are started, and those that the bot starts as processes of their own. */
const input = {
  start: `${root}src/main.ts`,
  doctor: `${root}src/doctor/main.ts`,
  'svg-to-png': `${root}src/output/mime/svg-to-png.ts`,
  vacuum: `${root}src/store/sqlite/vacuum.ts`,
};
/** Python that is read at the start, beside the modules that read it. */
const PYTHON = ['src/spark/observer', 'src/spark/sql'];

/** Names are kept, so that a stack trace in the log can be read. */
const output: OutputOptions = {
  dir: dist,
  format: 'esm',
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
};

/**
 * V8 holds a text with a single letter beyond Latin in two bytes for each letter: 2 MB. Throws where an escape would not mean the
 * same: behind a backslash, and in a raw text.
 */
function toAscii(code: string): string {
  const [found] = /\\[^\0-\x7f]|String\.raw`[^`]*[^\0-\x7f`]/.exec(code) ?? [];
  if (found !== undefined) throw new Error(`not to be written in ASCII: ${found}`);
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

async function build(): Promise<void> {
  const { rolldown } = await import('rolldown').catch((error: unknown) => {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    process.stderr.write(
      `dist/ is not built, because rolldown, a package of development, cannot be loaded (${why}). The source runs as it is.\n`,
    );
    process.exit(1);
  });
  await rm(dist, { recursive: true, force: true });
  for (const folder of PYTHON) {
    const to = folder.endsWith('observer') ? `${dist}observer` : dist;
    await cp(root + folder, to, { recursive: true, filter: (path) => !path.endsWith('.ts') });
  }
  // A binary cannot be bundled.
  const bundle = await rolldown({ cwd: root, input, platform: 'node', external: ['@resvg/resvg-js'] });
  const { output: chunks } = await bundle.write(output);
  await bundle.close();
  for (const { fileName } of chunks) {
    const code = await readFile(dist + fileName, 'utf8');
    await writeFile(dist + fileName, toAscii(code));
  }
}

await build();
