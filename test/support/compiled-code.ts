import { fileURLToPath } from 'node:url';

/** Every bot of the tests is the same program: what Node has compiled of it once is not compiled anew each time. */
export const compiledCode = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url)),
};
