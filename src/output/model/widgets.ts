import type { KernelOutput, Output, WidgetState } from '../../gateway/outputs.ts';
import { joinWords } from '../../text.ts';
import { shortHtmlAsText } from '../mime/html-text.ts';

/** Further widgets of one run are ignored. */
const WIDGETS_KEPT = 2_000;
const SHOWN_KEPT = 100;
/** A progress bar may change ten times a second. */
const REFRESH_MS = 500;
const BAR_CHARS = 20;
/** Widgets may contain each other. */
const DEPTH = 5;
/**
 * How many widgets are converted to text at once, shared by all displayed ones: boxes may contain each other fifty
 * times.
 */
const WORDED_AT_ONCE = 1_000;

const VIEW = 'application/vnd.jupyter.widget-view+json';

/** The widgets of one run: each is shown as its state in text, at the end the final one. */
export class Widgets {
  readonly #models = new Map<string, WidgetState>();
  /** Displayed widgets and the text that is shown for them; undefined while nothing is known of the widget. */
  readonly #shown = new Map<string, string | undefined>();
  #refreshedAtMs = -REFRESH_MS;
  /** How many more widgets of the displayed one are converted to text. */
  #remaining = 0;

  /**
   * Replaces widget output by text: a widget's display, or updates of the displays that its change affects. Undefined
   * for output without widgets.
   */
  read(output: KernelOutput, nowMs: number): Output[] | undefined {
    if (output.kind === 'widget') {
      this.#change(output);
      if (nowMs - this.#refreshedAtMs < REFRESH_MS) return [output];
      this.#refreshedAtMs = nowMs;
      return [output, ...this.updates()];
    }
    return output.kind === 'display' || output.kind === 'result' ? this.#readDisplay(output) : undefined;
  }

  /** Updates of the displayed widgets that have changed since the last call. */
  updates(): Output[] {
    return [...this.#shown].flatMap(([id, before]): Output[] => {
      const words = this.#words(id) ?? (before === undefined ? undefined : '');
      if (words === undefined || words === before) return [];
      this.#shown.set(id, words);
      return [
        { kind: 'updateDisplay', data: { 'text/plain': words }, metadata: {}, displayId: displayOf(id) },
      ];
    });
  }

  #change({ id, state }: Output & { kind: 'widget' }): void {
    if (state === undefined) this.#models.delete(id);
    else if (this.#models.has(id) || this.#models.size < WIDGETS_KEPT)
      this.#models.set(id, { ...this.#models.get(id), ...state });
  }

  #readDisplay(output: Output & { kind: 'display' | 'result' }): Output[] | undefined {
    // An invalid bundle is detected when it is read.
    const view: unknown = Reflect.get(Object(output.data), VIEW);
    const id: unknown =
      typeof view === 'object' && view !== null && 'model_id' in view ? view.model_id : undefined;
    if (typeof id !== 'string' || this.#shown.size >= SHOWN_KEPT) return undefined;
    const words = this.#words(id);
    this.#shown.set(id, words);
    const data = words === undefined ? output.data : { 'text/plain': words };
    return [{ ...output, data, displayId: displayOf(id) }];
  }

  #words(id: string): string | undefined {
    this.#remaining = WORDED_AT_ONCE / Math.max(1, this.#shown.size);
    return this.#wordsOf(id, DEPTH);
  }

  /** Undefined for a widget that is unknown or closed, has nothing to tell, or is beyond the limit. */
  #wordsOf(id: string, depth: number): string | undefined {
    const model = this.#models.get(id);
    this.#remaining -= 1;
    if (model === undefined || depth === 0 || this.#remaining < 0) return undefined;
    const { model: name = '', description = '', value, children } = model;
    if (name === 'OutputModel') return '';
    if (children !== undefined)
      return joinWords(
        /^H?BoxModel$|^HBox/.test(name) ? ' ' : '\n',
        children.map((child) => this.#wordsOf(child, depth - 1) ?? ''),
      );
    if (typeof value === 'boolean') return joinWords(' ', [value ? '☑' : '☐', description]);
    const said = valueOf(model);
    return said === undefined && description === '' ? undefined : joinWords(' ', [description, said ?? '']);
  }
}

function displayOf(id: string): string {
  return `widget ${id}`;
}

/** Undefined for a widget without a value that is text, such as a picture. */
function valueOf(model: WidgetState): string | undefined {
  const { model: name = '', value, labels, chosen } = model;
  if (/Progress/.test(name)) return barOf(model);
  if (name === 'PasswordModel') return value === '' ? '' : '••••';
  const values = labels === undefined ? value : chosen?.map((at) => labels[at] ?? '');
  if (Array.isArray(values)) return values.join(/Range/.test(name) ? ' – ' : ', ');
  if (typeof values !== 'string') return values === undefined ? undefined : String(values);
  if (name === 'DatetimeModel' && values !== '') return `${values} UTC`;
  return /HTML/.test(name) ? shortHtmlAsText(values) : values;
}

function barOf({ value, min = 0, max = 100 }: WidgetState): string {
  const share =
    typeof value === 'number' && max > min ? Math.min(1, Math.max(0, (value - min) / (max - min))) : 0;
  const full = Math.round(share * BAR_CHARS);
  return `|${'█'.repeat(full)}${' '.repeat(BAR_CHARS - full)}|`;
}
