import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MimeBundle } from '../../gateway/outputs.ts';
import type { ReadError } from './errors/read-error.ts';
import { FoldedText } from './folded-text.ts';
import type { BoundedText, OutputPart, TextSource } from './output-view.ts';

/** Makes parts of what a kernel shows, and keeps in files what is too long or no text. */
export class PartFiles {
  readonly #dir: string;
  readonly #maxBytes: number;
  #bytes = 0;
  #count = 0;
  limited = false;

  constructor(dir: string, maxBytes: number) {
    this.#dir = dir;
    this.#maxBytes = maxBytes;
  }

  /** After a crash: takes the files that are there into account. */
  async recount(): Promise<void> {
    for (const name of await readdir(this.#dir)) {
      if (!/^\d+-/.test(name)) continue;
      this.#count = Math.max(this.#count, Number.parseInt(name, 10));
      this.#bytes += (await stat(join(this.#dir, name))).size;
    }
  }

  async keepBundle(data: MimeBundle, _metadata: MimeBundle): Promise<OutputPart[]> {
    const plain = data['text/plain'];
    return typeof plain === 'string' ? this.keepText('result', plain) : [];
  }

  async keepPage(data: MimeBundle): Promise<OutputPart[]> {
    const plain = data['text/plain'];
    return typeof plain === 'string' ? this.keepText('pager', plain) : [];
  }

  async keepError(error: ReadError): Promise<OutputPart[]> {
    const path = error.whole === undefined ? undefined : await this.#write('traceback.txt', error.whole);
    const traceback = foldText(error.traceback);
    return [
      {
        kind: 'error',
        headline: error.headline,
        userLine: error.userLine,
        traceback,
        path,
        hint: error.hint,
      },
    ];
  }

  async keepText(source: TextSource, written: string): Promise<OutputPart[]> {
    if (written === '') return [];
    const text = foldText(written);
    const path =
      text.hiddenChars > 0 || text.tail !== '' ? await this.#write(`${source}.txt`, written) : undefined;
    return [{ kind: 'text', source, text, path }];
  }

  /** The path, or undefined when there is no room left. */
  async #write(name: string, content: string | Buffer): Promise<string | undefined> {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    if (this.#bytes + bytes.length > this.#maxBytes) {
      this.limited = true;
      return undefined;
    }
    this.#bytes += bytes.length;
    this.#count += 1;
    const path = join(this.#dir, `${this.#count}-${name}`);
    await writeFile(path, bytes);
    return path;
  }
}

function foldText(written: string): BoundedText {
  const folded = new FoldedText();
  folded.write(written);
  return folded.view();
}
