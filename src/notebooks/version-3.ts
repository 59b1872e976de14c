import { isObject, type JsonObject } from './model.ts';

/**
 * The cells of a notebook of nbformat 2 or 3, with the names of version 4: `input` is `source`, a heading is markdown, an
 * html cell too. Undefined where there are none.
 */
export function cellsOfVersion3({ worksheets }: JsonObject): unknown[] | undefined {
  if (!Array.isArray(worksheets)) return undefined;
  return worksheets.flatMap((sheet: unknown): unknown[] => {
    const cells = isObject(sheet) ? sheet['cells'] : undefined;
    return Array.isArray(cells) ? cells.map(toVersion4) : [];
  });
}

function toVersion4(cell: unknown): unknown {
  if (!isObject(cell)) return cell;
  const { cell_type: type, metadata, source = '' } = cell;
  switch (type) {
    case 'code':
      return { cell_type: 'code', metadata, source: cell['input'] ?? '' };
    case 'heading': {
      const { level } = cell;
      const depth = typeof level === 'number' && level >= 1 && level <= 6 ? Math.floor(level) : 1;
      const words = Array.isArray(source) ? source.join('') : String(source);
      return {
        cell_type: 'markdown',
        metadata,
        source: `${'#'.repeat(depth)} ${words.replaceAll('\n', ' ')}`,
      };
    }
    case 'html':
      return { cell_type: 'markdown', metadata, source };
    default:
      return { cell_type: type, metadata, source };
  }
}
