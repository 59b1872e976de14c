import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Jupyter's own reader and schema. Also writes the notebook, because not all that can be read can be written. */
const VALIDATE = `
import sys, nbformat
for path in sys.argv[1:]:
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5), path
    nbformat.validate(notebook)
    nbformat.write(notebook, path + '.again')
`;

/** A program that runs the notebook as Jupyter does and prints the result, each text in one piece. */
const EXECUTE = `
import json, sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, kernel_name=sys.argv[2], timeout=60).execute()
print(json.dumps(notebook))
`;

/** Rejects with nbformat's complaint about the first notebook that is not valid. `python` has to have nbformat. */
export async function validateNotebooks(python: string, texts: readonly (string | Buffer)[]): Promise<void> {
  await withFiles(texts, async (paths) => await run(python, ['-W', 'error', '-c', VALIDATE, ...paths]));
}

/** Runs a notebook with nbclient and gives its new text. Rejects if a cell fails. */
export async function executeNotebook(
  python: string,
  text: string | Buffer,
  kernelspec: string,
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  return await withFiles([text], async ([path = '']) => {
    const { stdout } = await run(python, ['-c', EXECUTE, path, kernelspec], {
      env: environment,
      maxBuffer: 1e8,
    });
    return stdout;
  });
}

async function withFiles<Done>(
  texts: readonly (string | Buffer)[],
  act: (paths: string[]) => Promise<Done>,
): Promise<Done> {
  const folder = await mkdtemp(join(tmpdir(), 'sparkthread-notebooks-'));
  try {
    const paths = texts.map((_, index) => join(folder, `${index}.ipynb`));
    await Promise.all(texts.map(async (text, index) => await writeFile(paths[index] ?? '', text)));
    return await act(paths);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
