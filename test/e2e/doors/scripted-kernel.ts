import { type ScriptedGateway, startScriptedGateway } from '../../support/scripted-gateway.ts';

/**
 * A gateway whose kernels know three words: `hang` runs until it is interrupted, `ask` waits for a line until it is
 * interrupted, everything else ends at once and says its own code.
 */
export async function startWordGateway(): Promise<ScriptedGateway & AsyncDisposable> {
  const gateway = await startScriptedGateway();
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => {
      const code = String(request.content['code']);
      if (!code.startsWith('hang') && !code.startsWith('ask')) return kernel.run(request, code);
      kernel.begin(request);
      kernel.stream(request, 'begun\n');
      if (code.startsWith('ask'))
        kernel.send(
          'input_request',
          { prompt: 'Line? ', password: false },
          { parent: request, channel: 'stdin' },
        );
      kernel.onInterrupt = () => {
        const error = { ename: 'KeyboardInterrupt', evalue: '', traceback: [] };
        kernel.send('error', error, { parent: request });
        kernel.reply(request, { status: 'error', ...error });
        kernel.status('idle', request);
      };
    };
  };
  return Object.assign(gateway, { [Symbol.asyncDispose]: () => gateway.close() });
}
