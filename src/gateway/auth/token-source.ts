import { spawn } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { GatewayError } from '../errors.ts';
import type { Log } from '../gateway.ts';
import { readJson } from '../protocol/json.ts';

/** Where a token that expires comes from. */
export type TokenPlace =
  /** A program and its arguments, run without a shell. */
  { kind: 'command'; argv: readonly string[] } | { kind: 'file'; path: string };

export interface TokenSource {
  /** The beginning of a sentence about it. */
  name: string;
  /** Reads the text. Rejects with `GatewayError`. */
  read(): Promise<string>;
  /** Whether the text has changed since the last `read`; absent if only `read` can tell. */
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

/** Kubernetes points a link to a new folder, so the modification time may be older than before. */
async function readVersion(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path);
  return `${mtimeMs} ${size} ${ino}`;
}

function commandSource(argv: readonly string[], log: Log, commandMs: number): TokenSource {
  const name = 'The command for the gateway’s token';
  /** What the latest failure was. It is logged once: every health check runs the command again. */
  let failed = '';
  return {
    name,
    async read() {
      const { stdout, stderr, end } = await runCommand(argv, commandMs);
      const before = failed;
      failed = end === 'exit code 0' ? '' : `${end}: ${stderr}`;
      if (failed === '') return stdout;
      const [said = ''] = stderr.trim().split('\n', 1);
      const details = said === '' ? {} : { said: hideTokens(said.slice(0, 300)) };
      if (failed !== before)
        log.warn({ event: 'command.failed', ...details, end }, 'the command for the gateway’s token failed');
      throw failure(`${name} failed (${end})`);
    },
  };
}

interface Ended {
  stdout: string;
  stderr: string;
  /** `exit code 1`, `SIGSEGV`, `ENOENT`, or why we killed it. */
  end: string;
}

/** Runs a program without a shell and without input, and kills its process group if it must be ended. Never rejects. */
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
        // The whole group has ended.
      }
    };
    const endFor = (why: string): void => {
      endedFor ??= why;
      kill();
      // A daemon that left the process group may hold them open for ever.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = setTimeout(() => endFor(`no end within ${commandMs / 1000} s`), commandMs);
    process.once('exit', kill);
    const finish = (end: string): void => {
      clearTimeout(timer);
      process.off('exit', kill);
      const [stdout, stderr] = [said.stdout, said.stderr].map((chunks) => Buffer.concat(chunks).toString());
      resolve({ stdout: stdout ?? '', stderr: stderr ?? '', end: endedFor ?? end });
    };
    // The error of a failed start contains the arguments, so only its code is used.
    child.once('error', (error) => finish(codeOf(error)));
    // A program that was not started may have no pipes.
    if (child.pid === undefined) return;
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BYTES) endFor('it printed more than 64 KiB');
        else said[stream].push(chunk);
      });
    child.once('close', (code, signal) => finish(code === null ? String(signal) : `exit code ${code}`));
  });
}

/** Verbose programs print their secrets, so long words with letters and digits are left out. */
function hideTokens(line: string): string {
  return line.replaceAll(/[\w.~+/=-]{20,}/g, (found) =>
    /\d/.test(found) && /[a-z]/i.test(found) ? '[left out]' : found,
  );
}

/** A missing token is treated like an outage of the gateway: it may be available a moment later. */
function failure(sentence: string): GatewayError {
  return new GatewayError('noCredentials', sentence);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
}

/** What a source returned. */
export interface Token {
  /** Undefined if it returned only headers. */
  token: string | undefined;
  /** Further headers to send; names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** When it expires, in ms since the epoch; undefined if neither the source nor the token says so. */
  endsMs: number | undefined;
}

/** A word that a header can carry. */
const WORD = /^[\x21-\x7e]+$/;
const word = z.string().trim().regex(WORD);
/** ISO 8601, or seconds since the epoch (some write milliseconds). */
const moment = z.union([z.string(), z.number()]).transform(readMoment).nullish();
const headerValues = z.record(z.string().regex(/^[!#$%&'*+.^`|~\w-]+$/), z.string().regex(/^[\x20-\x7e]*$/));

/**
 * Our own form, OAuth's (RFC 6749 §5.1, as token endpoints and metadata servers answer), gcloud's (`config config-helper`) and
 * AWS's (`get-managed-endpoint-session-credentials`) in one schema.
 */
const printed = z
  .object({
    token: word.nullish(),
    access_token: word.nullish(),
    expires_in: z.coerce.number().positive().nullish(),
    headers: headerValues.nullish(),
    expiresAt: moment,
    credential: z.object({ access_token: word, token_expiry: moment }).nullish(),
    credentials: z.object({ token: word, expiresAt: moment }).nullish(),
  })
  .transform(({ token, headers, expiresAt, credential, credentials, ...oauth }) => ({
    token: token ?? oauth.access_token ?? credential?.access_token ?? credentials?.token,
    headers: lowerCased(headers ?? {}),
    endsMs:
      expiresAt ??
      (oauth.expires_in == null ? undefined : Date.now() + oauth.expires_in * 1000) ??
      credential?.token_expiry ??
      credentials?.expiresAt ??
      undefined,
  }));

/** Undefined for a text that is neither a token nor JSON with one. */
export function readToken(text: string): Token | undefined {
  const trimmed = text.trim();
  if (!/^[{["]/.test(trimmed))
    return WORD.test(trimmed) ? { token: trimmed, headers: {}, endsMs: readJwtEnd(trimmed) } : undefined;
  const json = readJson(trimmed);
  const read = printed.safeParse(typeof json === 'string' ? { token: json } : json).data;
  if (read === undefined) return undefined;
  const { token, headers } = read;
  if (token === undefined && Object.keys(headers).length === 0) return undefined;
  return { token, headers, endsMs: read.endsMs ?? (token === undefined ? undefined : readJwtEnd(token)) };
}

/** The expiry (`exp`) of a JSON Web Token (RFC 7519 §4.1.4). */
function readJwtEnd(token: string): number | undefined {
  const [, payload, signature] = token.split('.');
  if (payload === undefined || signature === undefined) return undefined;
  const payloadJson = readJson(Buffer.from(payload, 'base64url').toString());
  const exp = z.object({ exp: z.number().positive() }).safeParse(payloadJson).data?.exp;
  return exp === undefined ? undefined : exp * 1000;
}

function readMoment(given: string | number): number | undefined {
  const number = typeof given === 'number' ? given : /^\d+(\.\d+)?$/.test(given) ? Number(given) : NaN;
  // Seconds reach this number in the year 5138; milliseconds reached it in 1973.
  const ms = Number.isNaN(number) ? Date.parse(String(given)) : number < 1e11 ? number * 1000 : number;
  return Number.isFinite(ms) ? ms : undefined;
}

/** Header names are case-insensitive. */
export function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
