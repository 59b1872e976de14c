import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { SetupError } from './setup-error.ts';

export type ToolResult = { code: number | undefined; stdout: string; stderr: string };

export type ToolOptions = {
  env: Record<string, string>;
  /** Called with each line of its standard output. */
  onLine?: (line: string) => void;
  /** Its stdin stays open while this process lives. Otherwise it is closed from the start. */
  isStdinHeld?: boolean;
};

/**
 * Runs a program to its end.
 * @returns code undefined when the program is not there or was killed
 */
export function runTool(command: string, args: string[], options: ToolOptions): Promise<ToolResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env: options.env,
      stdio: [options.isStdinHeld ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    if (child.stdout)
      createInterface({ input: child.stdout }).on('line', (line) => {
        stdout += `${line}\n`;
        options.onLine?.(line);
      });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', (error) => resolve({ code: undefined, stdout, stderr: error.message }));
    child.on('close', (code) => resolve({ code: code ?? undefined, stdout, stderr }));
  });
}

/** As runTool, but throws the program's last words if it does not end with 0. */
export async function mustRun(command: string, args: string[], options: ToolOptions): Promise<ToolResult> {
  const result = await runTool(command, args, options);
  if (result.code !== 0) {
    const said = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-25).join('\n');
    throw new SetupError(
      `\`${[command, ...args].join(' ')}\` failed (exit code ${result.code ?? 'none'}):\n${said}`,
    );
  }
  return result;
}
