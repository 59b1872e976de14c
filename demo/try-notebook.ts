import type { Playground } from '../playground/playground.ts';

const CELLS = [
  ['markdown', '# A notebook to try\n\nIts code cells run in order, and it comes back with their outputs.'],
  ['code', 'n = 20', ['parameters']],
  [
    'code',
    'import pandas as pd\n\nsquares = pd.DataFrame({"n": range(n), "square": [i * i for i in range(n)]})\nsquares',
  ],
  ['code', 'import matplotlib.pyplot as plt\n\nplt.plot(squares["n"], squares["square"])\nplt.show()'],
  ['code', 'print(f"The sum of {n} squares is {squares[\'square\'].sum()}")'],
] as const;

/** A notebook for the first channel: nbformat 4.5, in Python. */
export function tryNotebook(): { name: string; content: string } {
  const cells = CELLS.map(([type, source, tags], index) => ({
    cell_type: type,
    id: `try-${index + 1}`,
    metadata: tags === undefined ? {} : { tags },
    source: source.split(/(?<=\n)/),
    ...(type === 'code' ? { outputs: [], execution_count: null } : {}),
  }));
  const metadata = {
    kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' },
    language_info: { name: 'python' },
  };
  return {
    name: 'try.ipynb',
    content: JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }, null, 1),
  };
}

export function postNotebook(playground: Playground): void {
  playground
    .as('ana')
    .upload(
      '#data',
      tryNotebook(),
      'A notebook to try: “Run this code” in the menu of this message runs it.',
    );
}
