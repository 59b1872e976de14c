import type { Output, WidgetState } from '../outputs.ts';
import { id as idOf, isRecord, text } from './json.ts';
import type { KernelMessage } from './wire.ts';

/** Longer texts of a widget are cut. */
const TEXT_CHARS = 500;
const CHILDREN = 50;
/** Of the options of a selection. A choice among further ones is not shown. */
const LABELS = 200;
const LABEL_CHARS = 60;

/**
 * Reads a comm message of a Jupyter widget (ipywidgets' protocol 2): its first state, a change, or its end. Undefined
 * for other comms and for messages with nothing to show as text.
 */
export function readWidget(message: KernelMessage): Output | undefined {
  const { content } = message;
  const id = idOf(content['comm_id']);
  if (id === '') return undefined;
  if (message.type === 'comm_close') return { kind: 'widget', id, state: undefined };
  if (message.type === 'comm_open' && content['target_name'] !== 'jupyter.widget') return undefined;
  const data = isRecord(content['data']) ? content['data'] : {};
  const state = readState(isRecord(data['state']) ? data['state'] : {}, message.parentId);
  // A part of a string keeps the whole of it in memory, unless it is copied.
  return Object.keys(state).length === 0 ? undefined : { kind: 'widget', id, state: structuredClone(state) };
}

function readState(sent: Record<string, unknown>, parentId: string): WidgetState {
  const { _model_name: model, description, max, min, children, msg_id: captured } = sent;
  const { _options_labels: labels, index } = sent;
  const indexes = [index].flat().slice(0, LABELS);
  const chosen = indexes.filter((at) => typeof at === 'number');
  const value = 'value' in sent ? readValue(sent['value']) : undefined;
  return {
    ...(typeof model === 'string' ? { model: model.slice(0, TEXT_CHARS) } : {}),
    ...(typeof description === 'string' ? { description: description.slice(0, TEXT_CHARS) } : {}),
    ...(value === undefined ? {} : { value }),
    ...(typeof min === 'number' ? { min } : {}),
    ...(typeof max === 'number' ? { max } : {}),
    ...(Array.isArray(labels) ? { labels: labels.slice(0, LABELS).map(labelOf) } : {}),
    ...(index === undefined ? {} : { chosen }),
    ...(Array.isArray(children) ? { children: children.slice(0, CHILDREN).map(modelIdOf) } : {}),
    ...(typeof captured === 'string' ? { isCapturing: captured !== '' && captured === parentId } : {}),
  };
}

function labelOf(label: unknown): string {
  return text(label).slice(0, LABEL_CHARS);
}

/** Undefined for a value that is no text. null: nothing is chosen or typed. */
function readValue(value: unknown): WidgetState['value'] {
  if (value === null) return '';
  if (typeof value === 'string') return value.slice(0, TEXT_CHARS);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value))
    return value.slice(0, LABELS).map((each) => (typeof each === 'number' ? each : labelOf(each)));
  return isRecord(value) ? readTime(value) : undefined;
}

/** A date, a time, or both; months count from 0. */
function readTime(value: Record<string, unknown>): string | undefined {
  const { year, month, date, hours, minutes, seconds } = value;
  const day = typeof month === 'number' ? [year, month + 1, date] : [];
  const time = hours === undefined ? [] : [hours, minutes, seconds];
  if (![...day, ...time].every((each) => typeof each === 'number')) return undefined;
  return `${padded(day, '-')} ${padded(time, ':')}`.trim();
}

function padded(parts: readonly unknown[], separator: string): string {
  return parts.map((each) => String(each).padStart(2, '0')).join(separator);
}

/** `IPY_MODEL_…` */
function modelIdOf(child: unknown): string {
  return text(child)
    .slice(0, TEXT_CHARS)
    .replace(/^IPY_MODEL_/, '');
}
