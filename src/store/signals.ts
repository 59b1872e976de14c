import { StoreError } from '../errors.ts';
import type { Log } from '../log.ts';

type Listener = (topic: string, payload: string) => void;

/** The listeners of this process, whatever carries a signal here. */
export interface Signals {
  /** Calls every listener; one that throws is logged and hinders nobody. */
  deliver(topic: string, payload: string): void;
  /** Adds a listener; gives its removal. */
  listen(listener: Listener): () => void;
}

const maxPayloadBytes = 8 * 1024;

export function createSignals(log: Log): Signals {
  const listeners = new Set<{ call: Listener }>();
  return {
    deliver(topic, payload) {
      for (const listener of listeners) {
        try {
          listener.call(topic, payload);
        } catch (error) {
          log.error({ err: error, topic }, 'a listener of a signal failed');
        }
      }
    },
    listen(call) {
      const listener = { call };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** Throws `refused` for a payload over 8 kB, so that no store takes what another would not. */
export function checkPayload(topic: string, payload: string): void {
  if (Buffer.byteLength(payload) > maxPayloadBytes) {
    throw new StoreError('refused', `A signal of ${topic} is over ${maxPayloadBytes} bytes.`);
  }
}
