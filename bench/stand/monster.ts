import type { ScriptedKernel, ScriptMessage } from '../../test/support/scripted-gateway.ts';

/** The messages that one monster sends between the beginning and the end of its run. */
export interface Monster {
  name: string;
  say: (kernel: ScriptedKernel, request: ScriptMessage) => void | Promise<void>;
  /** Its reply, if that is not `ok`. */
  reply?: object;
  /** How its run ends, if not as it replies. */
  outcome?: string;
  /** It begins and ends its run itself. */
  isWhole?: true;
}
