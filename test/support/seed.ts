import * as fc from 'fast-check';

/** Generated cases are the same in each run: whether a change lands is not left to chance. SEED draws others, as each night does. */
const { SEED = '1' } = process.env;
fc.configureGlobal({ seed: Number(SEED) });
