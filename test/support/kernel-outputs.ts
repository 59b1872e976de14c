import type { KernelOutput } from '../../src/gateway/outputs.ts';

/** What kernels say, in the gateway client's own form. */
export const stdout = (text: string): KernelOutput => ({ kind: 'stream', name: 'stdout', text });
export const stderr = (text: string): KernelOutput => ({ kind: 'stream', name: 'stderr', text });

export const display = (data: Record<string, unknown>): KernelOutput => ({
  kind: 'display',
  data,
  metadata: {},
});

/** Plain text, in a display that can be updated where it has an id. */
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
