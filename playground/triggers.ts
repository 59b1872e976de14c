/** trigger_ids: each opens one modal, within 3 s of the user's act (views.open). */

interface Trigger {
  readonly userId: string;
  /** The view with the pressed button, for views.push. */
  readonly viewId: string | undefined;
  readonly issuedAtMs: number;
  used: boolean;
}

export type Redemption =
  | { readonly ok: true; readonly userId: string; readonly viewId: string | undefined }
  | {
      readonly ok: false;
      readonly error: 'invalid_trigger_id' | 'expired_trigger_id' | 'exchanged_trigger_id';
    };

export class Triggers {
  readonly #lifeMs: number;
  readonly #now: () => number;
  readonly #issued = new Map<string, Trigger>();

  constructor(lifeMs: number, now: () => number) {
    this.#lifeMs = lifeMs;
    this.#now = now;
  }

  issue(userId: string, viewId?: string): string {
    const id = `${this.#issued.size + 1}.${Math.floor(this.#now())}.playground`;
    this.#issued.set(id, { userId, viewId, issuedAtMs: this.#now(), used: false });
    return id;
  }

  redeem(id: string): Redemption {
    const trigger = this.#issued.get(id);
    if (trigger === undefined) return { ok: false, error: 'invalid_trigger_id' };
    if (trigger.used) return { ok: false, error: 'exchanged_trigger_id' };
    if (this.#now() - trigger.issuedAtMs > this.#lifeMs) return { ok: false, error: 'expired_trigger_id' };
    trigger.used = true;
    return { ok: true, userId: trigger.userId, viewId: trigger.viewId };
  }
}
