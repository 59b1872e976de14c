import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { SetupError } from './setup-error.ts';

export type ToolResult = { code: number | undefined; stdout: string; stderr: string };

/**
 * Runs a program to its end with stdin closed.
 * @param onLine gets every line of its standard output as it comes
 * @returns code undefined when the program is not there or was killed
 */
export function runTool(
  command: string,
  args: string[],
  options: { env: Record<string, string>; onLine?: (line: string) => void; timeoutMs?: number },
): Promise<ToolResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    });
    let stdout = '';
    let stderr = '';
    createInterface({ input: child.stdout }).on('line', (line) => {
      stdout += `${line}\n`;
      options.onLine?.(line);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', (error) => resolve({ code: undefined, stdout, stderr: error.message }));
    child.on('close', (code) => resolve({ code: code ?? undefined, stdout, stderr }));
  });
}

/** As runTool, but an end other than 0 throws with what the program said last. */
export async function mustRun(
  command: string,
  args: string[],
  options: { env: Record<string, string>; onLine?: (line: string) => void },
): Promise<ToolResult> {
  const result = await runTool(command, args, options);
  if (result.code !== 0) {
    const said = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-25).join('\n');
    throw new SetupError(
      `\`${[command, ...args].join(' ')}\` failed (exit code ${result.code ?? 'none'}):\n${said}`,
    );
  }
  return result;
}
