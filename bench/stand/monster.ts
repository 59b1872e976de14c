import type { ScriptedKernel, ScriptMessage } from '../../test/support/scripted-gateway.ts';

/** What one monster says between the beginning and the end of its run. */
export interface Monster {
  name: string;
  say: (kernel: ScriptedKernel, request: ScriptMessage) => void | Promise<void>;
  /** How its run ends where it is no `ok`. */
  reply?: object;
}
