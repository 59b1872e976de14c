import type { KernelOutput } from '../../src/gateway/outputs.ts';

/** Outputs of kernels in the form of the gateway client. */
export const stdout = (text: string): KernelOutput => ({ kind: 'stream', name: 'stdout', text });
export const stderr = (text: string): KernelOutput => ({ kind: 'stream', name: 'stderr', text });

export const display = (data: Record<string, unknown>): KernelOutput => ({
  kind: 'display',
  data,
  metadata: {},
});

/** A display of plain text. With an id it can be updated. */
export const show = (text: string, displayId?: string): KernelOutput => ({
  kind: 'display',
  data: { 'text/plain': text },
  metadata: {},
  ...(displayId === undefined ? {} : { displayId }),
});

export const update = (text: string, displayId: string): KernelOutput => ({
  kind: 'updateDisplay',
  data: { 'text/plain': text },
  metadata: {},
  displayId,
});
