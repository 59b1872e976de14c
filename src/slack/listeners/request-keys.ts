/** Delivery keys: what Slack may bring twice is known by these (product.md §0). */

export function messageDelivery(workspace: string, channel: string, ts: string): string {
  return `message/${workspace}/${channel}/${ts}`;
}

/** Where it is known that a message, named by its delivery, is gone. */
export function deletionDelivery(message: string): string {
  return `${message}/deleted`;
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

/** A modal's submission; it closes with it, so there is one. */
export function viewDelivery(workspace: string, viewId: string): string {
  return `view/${workspace}/${viewId}`;
}

/** A press on a kernel's button counts once for each time that the button was shown. */
export function kernelPressDelivery(kernelId: string, action: string, shownAtMs: string): string {
  return `kernel/${kernelId}/${action}/${shownAtMs}`;
}
