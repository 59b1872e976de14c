/** Delivery keys: what Slack may bring twice is known by these (product.md §0). */

export function messageDelivery(workspace: string, channel: string, ts: string): string {
  return `message/${workspace}/${channel}/${ts}`;
}

export function editDelivery(workspace: string, channel: string, ts: string, editedTs: string): string {
  return `edit/${workspace}/${channel}/${ts}/${editedTs}`;
}

export function triggerDelivery(workspace: string, triggerId: string): string {
  return `trigger/${workspace}/${triggerId}`;
}

/** A press counts once per state of its run: two presses of the same button are one. */
export function pressDelivery(runId: string, action: string, state: string): string {
  return `press/${runId}/${action}/${state}`;
}
