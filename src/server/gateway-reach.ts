import { GatewayError, type GatewayErrorCode } from '../gateway/errors.ts';
import type { Gateway } from '../gateway/gateway.ts';

/** What says that this process cannot work with the gateway; a refusal of one kernel says nothing. */
const AWAY: ReadonlySet<GatewayErrorCode> = new Set([
  'unreachable',
  'unauthorized',
  'untrusted',
  'noCredentials',
  'badAnswer',
]);

/** The same gateway, and whether its latest call failed for everybody. */
export function trackGateway(gateway: Gateway): { gateway: Gateway; isMissed: () => boolean } {
  let isMissed = false;
  const note = async (work: Promise<unknown>): Promise<void> => {
    try {
      await work;
      isMissed = false;
    } catch (error) {
      if (error instanceof GatewayError) isMissed = AWAY.has(error.code);
    }
  };
  const tracked = new Proxy(gateway, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...given: unknown[]): unknown => {
        const result: unknown = Reflect.apply(member, target, given);
        if (result instanceof Promise) void note(result);
        return result;
      };
    },
  });
  return { gateway: tracked, isMissed: () => isMissed };
}
