import { fileURLToPath } from 'node:url';

/** All bots of the tests are the same program, so Node compiles it once and keeps the result. */
export const compiledCode = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url)),
};
