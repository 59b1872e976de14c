import type { Kernelspec } from '../../gateway/gateway.ts';

/** Words that people everywhere use for a language, and the kernelspecs each of them fits. */
export const commonLanguages: ReadonlyMap<string, (spec: Kernelspec) => boolean> = new Map([
  ...each(['python', 'py'], (spec) => speaks(spec, 'python')),
  // A kernelspec that says no version is taken for Python 3; only one that says 2 is Python 2.
  ...each(['python3', 'py3'], (spec) => speaks(spec, 'python') && pythonVersion(spec) !== 2),
  ...each(['python2', 'py2'], (spec) => speaks(spec, 'python') && pythonVersion(spec) === 2),
  ...each(['pyspark'], (spec) => speaks(spec, 'python') && hasSpark(spec)),
  ...each(['spark-scala', 'scala-spark'], (spec) => speaks(spec, 'scala') && hasSpark(spec)),
  ...each(['sparkr', 'spark-r'], (spec) => speaks(spec, 'r') && hasSpark(spec)),
  ...named('bash', 'sh', 'shell'),
  ...named('c#', 'csharp'),
  ...named('c++', 'cpp'),
  ...named('clojure', 'clj'),
  ...named('cobol'),
  ...named('elixir'),
  ...named('erlang'),
  ...named('f#', 'fsharp'),
  ...named('fortran'),
  ...named('golang'),
  ...named('groovy'),
  ...named('haskell'),
  ...named('java'),
  ...named('javascript', 'js'),
  ...named('julia', 'jl'),
  ...named('kotlin', 'kt'),
  ...named('lua'),
  ...named('matlab'),
  ...named('ocaml'),
  ...named('octave'),
  ...named('perl'),
  ...named('php'),
  ...named('powershell'),
  ...named('r'),
  ...named('ruby', 'rb'),
  ...named('rust', 'rs'),
  ...named('scala'),
  ...named('sql', 'sparksql', 'spark-sql'),
  ...named('swift'),
  ...named('typescript', 'ts'),
]);

/**
 * The word that a page's or a notebook's spelling stands for: `language-python`, `ipython3`, `python3.11`, `scala2.12`.
 * A version counts only with its dot: `r2` may be a variable.
 */
export function plainLanguageWord(lower: string): string {
  const word = lower.replace(/^lang(?:uage)?-/, '').replace(/^ipython/, 'python');
  const [, name, major] = /^([a-z]{2,})(\d?)(?:\.\d{1,3}){1,3}$/.exec(word) ?? [];
  if (name === undefined) return word;
  return commonLanguages.has(`${name}${major}`) ? `${name}${major}` : name;
}

type Entry = [string, (spec: Kernelspec) => boolean];

function each(words: readonly string[], fits: (spec: Kernelspec) => boolean): Entry[] {
  return words.map((word) => [word, fits]);
}

/** A language under its own name and its nicknames. */
function named(language: string, ...nicknames: readonly string[]): Entry[] {
  const words = [language, ...nicknames];
  return each(words, (spec) => words.some((word) => speaks(spec, word)));
}

/** `C++17` and `R` speak `c++` and `r`: kernels write their language with a version or a capital. */
function speaks(spec: Kernelspec, language: string): boolean {
  const theirs = spec.language.toLowerCase();
  return theirs === language || theirs.replace(/[\d.]+$/, '') === language;
}

/** As far as its name tells. */
export function hasSpark(spec: Kernelspec): boolean {
  return /spark|toree/i.test(`${spec.name} ${spec.displayName}`);
}

/** What the name says, else the display name: `python2-spark21`, `Python 2.7 with Spark 2.1`, `conda-py27`. */
function pythonVersion(spec: Kernelspec): 2 | 3 | undefined {
  const version = /(?<![a-z])i?py(?:thon|spark)?[\s_-]*([23])/i;
  const [, said] = version.exec(spec.name) ?? version.exec(spec.displayName) ?? [];
  if (said === undefined) return undefined;
  return said === '2' ? 2 : 3;
}
