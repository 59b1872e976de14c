import { basename } from 'node:path';
import type { OutputPart } from '../../runs/output/output-view.ts';
import type { RunView } from '../../runs/run-view.ts';

/** Something that belongs to an answer and stands in the thread beside it. */
export type AnswerFile =
  | { kind: 'file'; path: string; filename: string; title: string; alt?: string; snippet: boolean }
  | { kind: 'table'; part: OutputPart & { kind: 'table' } };

/** The files of a run that ended, in the order of the output; whole texts last. `cut` are the parts not shown whole. */
export function answerFiles(view: RunView, cut: ReadonlySet<OutputPart>): AnswerFile[] {
  const output = view.output;
  if (output === undefined) return [];
  const shown = output.parts.flatMap((part): AnswerFile[] => {
    switch (part.kind) {
      case 'image':
        return [
          {
            kind: 'file',
            path: part.path,
            filename: basename(part.path),
            title: part.alt,
            alt: part.alt,
            snippet: false,
          },
        ];
      case 'attachment':
        return [
          { kind: 'file', path: part.path, filename: part.filename, title: part.filename, snippet: false },
        ];
      case 'table':
        return [{ kind: 'table', part }];
      case 'text':
      case 'error':
        return [];
    }
  });
  const texts = [...cut].flatMap((part) => {
    if (part.kind === 'error' && part.path !== undefined) return [textFile(part.path, 'traceback.txt')];
    if (part.kind === 'text' && part.path !== undefined) return [textFile(part.path, `${part.source}.txt`)];
    return [];
  });
  const streamsCut =
    [...cut].some((part) => part.kind === 'text' && part.path === undefined) ||
    output.losses.some((loss) => loss.kind === 'tooMany');
  const streams =
    streamsCut && output.spoolPath !== undefined ? [textFile(output.spoolPath, 'output.txt')] : [];
  return [...shown, ...streams, ...texts];
}

function textFile(path: string, filename: string): AnswerFile {
  return { kind: 'file', path, filename, title: filename, snippet: true };
}
