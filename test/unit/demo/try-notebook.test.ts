import { expect, test } from 'vitest';
import { tryNotebook } from '../../../demo/try-notebook.ts';
import { cellsToRun } from '../../../src/notebooks/model.ts';
import { readNotebook } from '../../../src/notebooks/read.ts';

test('the notebook to try is read as one, and takes a value', async () => {
  const { name, content } = tryNotebook();
  const { notebook, language } = await readNotebook(content, name);
  expect(cellsToRun(notebook)).toHaveLength(4);
  expect(notebook.cells[1]?.metadata).toEqual({ tags: ['parameters'] });
  expect(language.kernelspec).toBe('python3');
});
