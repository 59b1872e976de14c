import { EventEmitter, once } from 'node:events';
import { type ScriptedGateway, startScriptedGateway } from '../../support/scripted-gateway.ts';

export interface WordGateway extends ScriptedGateway, AsyncDisposable {
  /** Resolves once a kernel has begun this very code and can be interrupted. */
  untilBegun(code: string): Promise<void>;
}

/**
 * A gateway whose kernels know words that code begins with: `hang` runs until it is interrupted, `ask` waits for a line
 * until it is interrupted; everything else ends at once and says its own code.
 */
export async function startWordGateway(): Promise<WordGateway> {
  const gateway = await startScriptedGateway();
  const begun = new Set<string>();
  const events = new EventEmitter().setMaxListeners(0);
  gateway.onStart = (kernel) => {
    kernel.onRestart = () => kernel.comeUp();
    kernel.onExecute = (request) => {
      const code = String(request.content['code']);
      const word = /^(?:hang|ask)/.exec(code)?.[0];
      if (word === undefined) return kernel.run(request, code);
      kernel.begin(request);
      kernel.stream(request, 'begun\n');
      const question = { prompt: 'Line? ', password: false };
      if (word === 'ask') kernel.send('input_request', question, { parent: request, channel: 'stdin' });
      kernel.onInterrupt = () => {
        kernel.onInterrupt = () => undefined;
        const error = { ename: 'KeyboardInterrupt', evalue: '', traceback: [] };
        kernel.send('error', error, { parent: request });
        kernel.end(request, { status: 'error', ...error });
      };
      begun.add(code);
      events.emit('begun');
    };
  };
  return Object.assign(gateway, {
    async untilBegun(code: string) {
      while (!begun.has(code)) await once(events, 'begun');
    },
    [Symbol.asyncDispose]: () => gateway.close(),
  });
}
