import type { ImageMime } from '../output-view.ts';
import type { Table } from './html-table.ts';

/** What a mime bundle is shown as, in order. */
export type ShownForm =
  | { kind: 'text'; text: string }
  | { kind: 'image'; mime: ImageMime; bytes: Buffer; alt: string }
  | { kind: 'svg'; source: string; alt: string }
  | { kind: 'table'; table: Table; text: string }
  | { kind: 'file'; filename: string; mime: string; content: string | Buffer };
