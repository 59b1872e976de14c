import type { ScriptedKernel, ScriptMessage } from '../../test/support/scripted-gateway.ts';

/** What one monster says between the beginning and the end of its run. */
export interface Monster {
  name: string;
  say: (kernel: ScriptedKernel, request: ScriptMessage) => void | Promise<void>;
  /** How it replies where that is no `ok`. */
  reply?: object;
  /** How its run ends where that is not what it replies. */
  outcome?: string;
  /** It begins and ends its run itself. */
  isWhole?: true;
}
