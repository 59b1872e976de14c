import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const guard = fileURLToPath(new URL('guard.py', import.meta.url));
const keptLogLines = 2000;

export type GuardedProcess = {
  /** Process id of the guard, the parent of all it runs. */
  pid: number;
  /** The last lines that the program wrote. */
  log: () => string;
  /** Resolves with the first line that fits, written before or after this call. Rejects if the program ends first. */
  line: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Resolves when the program and all it started have ended. */
  ended: Promise<undefined>;
  /** Ends the program and everything that it started. Safe to call twice. */
  stop: () => Promise<void>;
};

type GuardedRequest = {
  /** Runs the guard. */
  python: string;
  command: string[];
  env: Record<string, string>;
  workingFolder: string;
  /** The program's private folder, removed at the end. */
  folder: string;
  /** How long it may take to end when asked; then it is killed. */
  graceSeconds?: number;
};

/** The command line that runs a command under the guard (`guard.py`). The guard's stdin must be a pipe that this process holds. */
export function guarded(
  python: string,
  folder: string,
  command: string[],
  graceSeconds = 8,
): [string, ...string[]] {
  return [python, guard, `${graceSeconds}`, folder, ...command];
}

/** Starts a program under the guard: it ends with `stop`, and with this process, however that ends. */
export function startGuarded(request: GuardedRequest): GuardedProcess {
  const [program, ...args] = guarded(request.python, request.folder, request.command, request.graceSeconds);
  const child = spawn(program, args, {
    cwd: request.workingFolder,
    env: request.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    // In a session of its own, so that this process passes Ctrl-C on, in its own order.
    detached: true,
  });
  // The guard may have ended already.
  child.stdin.on('error', () => {});
  const ended = once(child, 'close').then(() => undefined);
  const lines = keepLines(child);
  return {
    pid: child.pid ?? -1,
    log: () => lines.kept.join('\n'),
    line: (pattern) => lines.find(pattern),
    ended,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

function keepLines(child: ChildProcess) {
  const kept: string[] = [];
  const waiting = new Set<(line: string | undefined) => void>();
  for (const input of [child.stdout, child.stderr]) {
    if (!input) continue;
    createInterface({ input }).on('line', (line) => {
      kept.push(line);
      if (kept.length > keptLogLines) kept.shift();
      for (const look of waiting) look(line);
    });
  }
  const atEnd = () => {
    for (const look of waiting) look(undefined);
  };
  child.once('close', atEnd);
  child.once('error', atEnd);
  const find = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = (line: string | undefined) => {
        const found = line === undefined ? undefined : (pattern.exec(line) ?? undefined);
        if (line !== undefined && !found) return;
        waiting.delete(look);
        if (found) resolve(found);
        else
          reject(
            new Error(`the program ended before it said ${String(pattern)}:\n${kept.slice(-25).join('\n')}`),
          );
      };
      waiting.add(look);
      for (const line of kept) if (waiting.has(look)) look(line);
      if (child.exitCode !== null && waiting.has(look)) look(undefined);
    });
  return { kept, find };
}
