import type { Output, WidgetState } from '../outputs.ts';
import { id as idOf, isRecord, text } from './json.ts';
import type { KernelMessage } from './wire.ts';

/** Longer texts of a widget are cut. */
const TEXT_CHARS = 500;
const CHILDREN = 50;

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
  return Object.keys(state).length === 0 ? undefined : { kind: 'widget', id, state };
}

function readState(sent: Record<string, unknown>, parentId: string): WidgetState {
  const { _model_name: model, description, value, max, children, msg_id: captured } = sent;
  return {
    ...(typeof model === 'string' ? { model: model.slice(0, TEXT_CHARS) } : {}),
    ...(typeof description === 'string' ? { description: description.slice(0, TEXT_CHARS) } : {}),
    ...(typeof value === 'string' ? { value: value.slice(0, TEXT_CHARS) } : {}),
    ...(typeof value === 'number' ? { value } : {}),
    ...(typeof max === 'number' ? { max } : {}),
    ...(Array.isArray(children) ? { children: children.slice(0, CHILDREN).map(modelIdOf) } : {}),
    ...(typeof captured === 'string' ? { isCapturing: captured !== '' && captured === parentId } : {}),
  };
}

/** `IPY_MODEL_…` */
function modelIdOf(child: unknown): string {
  return text(child)
    .slice(0, TEXT_CHARS)
    .replace(/^IPY_MODEL_/, '');
}
