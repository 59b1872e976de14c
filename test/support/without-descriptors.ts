import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Runs `prepare`, uses up all file descriptors and runs `work`, in a Node process of its own. Gives what that prints: the
 * result of `work` or its error, and each uncaught error.
 */
export async function runWithoutDescriptors(prepare: string, work: string): Promise<string> {
  const code = `
    const said = [];
    process.on('uncaughtException', (error) => said.push('uncaught ' + error));
    process.on('unhandledRejection', (error) => said.push('unhandled ' + error));
    ${prepare}
    const { openSync } = await import('node:fs');
    try { for (;;) openSync('/dev/null'); } catch {}
    try { said.push(String(${work})); } catch (error) { said.push(String(error)); }
    setImmediate(() => { console.log(said.join('\\n')); process.exit(); });`;
  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    'ulimit -n 64; exec "$0" "$@"',
    process.execPath,
    '--input-type=module',
    '-e',
    code,
  ]);
  return stdout;
}
