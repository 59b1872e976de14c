import { spawn } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { GatewayError } from '../errors.ts';
import type { Log } from '../gateway.ts';

/** Where a token comes from that does not last. */
export type TokenPlace =
  /** A program and its arguments; no shell reads them. */
  { kind: 'command'; argv: readonly string[] } | { kind: 'file'; path: string };

export interface TokenSource {
  /** Begins a sentence about it. */
  name: string;
  /** Its text. Rejects with `GatewayError`. */
  read(): Promise<string>;
  /** Whether it gives another text than it did last; absent where only `read` can tell. */
  isChanged?(): Promise<boolean>;
}

const COMMAND_MS = 30_000;
/** The longest tokens seen (Kerberos, JWTs with many groups) have 12 KiB. */
const MAX_BYTES = 64 * 2 ** 10;

/** `commandMs` is for tests. */
export function openTokenSource(place: TokenPlace, log: Log, commandMs = COMMAND_MS): TokenSource {
  return place.kind === 'file' ? fileSource(place.path) : commandSource(place.argv, log, commandMs);
}

function fileSource(path: string): TokenSource {
  const name = 'The file with the gateway’s token';
  let seen = '';
  return {
    name,
    async read() {
      try {
        const version = await readVersion(path);
        const text = await readFile(path, 'utf8');
        seen = version;
        if (text.length > MAX_BYTES) throw failure(`${name} is longer than 64 KiB`);
        return text;
      } catch (cause) {
        if (cause instanceof GatewayError) throw cause;
        throw failure(`${name} cannot be read (${codeOf(cause)})`);
      }
    },
    isChanged: async () => (await readVersion(path).catch(() => undefined)) !== seen,
  };
}

/** Kubernetes swaps a link to a new folder, so that the time of change may be older than before. */
async function readVersion(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path);
  return `${mtimeMs} ${size} ${ino}`;
}

function commandSource(argv: readonly string[], log: Log, commandMs: number): TokenSource {
  const name = 'The command for the gateway’s token';
  return {
    name,
    async read() {
      const { stdout, stderr, end } = await runCommand(argv, commandMs);
      if (end === 'exit code 0') return stdout;
      const [said = ''] = stderr.trim().split('\n', 1);
      const details = said === '' ? {} : { said: hideTokens(said.slice(0, 300)) };
      log.warn({ event: 'command.failed', ...details, end }, 'the command for the gateway’s token failed');
      throw failure(`${name} failed (${end})`);
    },
  };
}

interface Ended {
  stdout: string;
  stderr: string;
  /** `exit code 1`, `SIGSEGV`, `ENOENT`, or why it was ended by us. */
  end: string;
}

/** Runs a program without a shell and without input. Never rejects; what it started itself ends with it. */
function runCommand([program = '', ...args]: readonly string[], commandMs: number): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const said = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let bytes = 0;
    let endedFor: string | undefined;
    const kill = (): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // All of it has ended.
      }
    };
    const endFor = (why: string): void => {
      endedFor ??= why;
      kill();
    };
    const timer = setTimeout(() => endFor(`no end within ${commandMs / 1000} s`), commandMs);
    process.once('exit', kill);
    const finish = (end: string): void => {
      clearTimeout(timer);
      process.off('exit', kill);
      const [stdout, stderr] = [said.stdout, said.stderr].map((chunks) => Buffer.concat(chunks).toString());
      resolve({ stdout: stdout ?? '', stderr: stderr ?? '', end: endedFor ?? end });
    };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BYTES) endFor('it printed more than 64 KiB');
        else said[stream].push(chunk);
      });
    // An error of a start that failed carries the arguments, so only its code is used.
    child.once('error', (error) => finish(codeOf(error)));
    child.once('close', (code, signal) => finish(code === null ? String(signal) : `exit code ${code}`));
  });
}

/** A program that is asked to be loud prints its secrets: long words with letters and digits are left out. */
function hideTokens(line: string): string {
  return line.replaceAll(/[\w.~+/=-]{20,}/g, (found) =>
    /\d/.test(found) && /[a-z]/i.test(found) ? '[left out]' : found,
  );
}

/** A token that cannot be had is as if the gateway were away: it may be there a moment later. */
function failure(sentence: string): GatewayError {
  return new GatewayError('noCredentials', sentence);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
}
