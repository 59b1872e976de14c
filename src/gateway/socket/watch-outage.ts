import { GatewayError } from '../errors.ts';

/** Watches over attempts to reach a gateway that was lost. */
export interface AwayWatch {
  /** An attempt failed. */
  found(failure: unknown): void;
  /** The gateway is there; what is waited for is the kernel. */
  answered(): void;
  end(): void;
}

/** Tells that the gateway is away: a refusal at once, silence after `awayMs`; again only when the kind changes. */
export function watchAway(awayMs: number, onAway: (failure: GatewayError) => void): AwayWatch {
  let last = new GatewayError('unreachable', 'The gateway gives no answer');
  let told: GatewayError['code'] | undefined;
  let isLong = false;
  const tell = () => {
    if (told === last.code || (last.code === 'unreachable' && !isLong)) return;
    told = last.code;
    onAway(last);
  };
  const becomeLong = () => {
    isLong = true;
    tell();
  };
  let timer = setTimeout(becomeLong, awayMs);
  return {
    found(failure) {
      if (!(failure instanceof GatewayError)) return;
      last = failure;
      tell();
    },
    answered() {
      isLong = false;
      clearTimeout(timer);
      timer = setTimeout(becomeLong, awayMs);
    },
    end: () => clearTimeout(timer),
  };
}
