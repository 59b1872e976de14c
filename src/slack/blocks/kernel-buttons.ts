import type { ActionsBlock, Button } from '@slack/types';

/** What can be done to a kernel by a button: in the list of kernels and on the home tab. */
const kernelActions = ['restart', 'shutdown'] as const;
export type KernelAction = (typeof kernelActions)[number];

const prefix = 'kernel:';
const labels: Record<KernelAction, string> = { restart: 'Restart', shutdown: 'Shut down' };

/** `shownAtMs` makes a press count once for each time that the button was shown. */
export function renderKernelButtons(kernelId: string, shownAtMs: number): ActionsBlock {
  const elements = kernelActions.map((action): Button => ({
    type: 'button',
    text: { type: 'plain_text', text: labels[action] },
    action_id: `${prefix}${action}`,
    value: `${kernelId}|${shownAtMs}`,
    confirm: renderConfirm(action),
  }));
  return { type: 'actions', elements };
}

function renderConfirm(action: KernelAction): NonNullable<Button['confirm']> {
  return {
    title: { type: 'plain_text', text: `${labels[action]}?` },
    text: { type: 'plain_text', text: 'The kernel’s variables are lost, for everyone in its channel.' },
    confirm: { type: 'plain_text', text: labels[action] },
    deny: { type: 'plain_text', text: 'Cancel' },
    style: 'danger',
  };
}

export interface KernelClick {
  action: KernelAction;
  kernelId: string;
  shownAtMs: string;
}

/** Undefined when it is none of ours. */
export function readKernelButton(actionId: string, value: string): KernelClick | undefined {
  const action = kernelActions.find((name) => `${prefix}${name}` === actionId);
  const [kernelId, shownAtMs] = value.split('|');
  if (action === undefined || !kernelId || !shownAtMs) return undefined;
  return { action, kernelId, shownAtMs };
}
