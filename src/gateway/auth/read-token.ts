import { z } from 'zod';
import { readJson } from '../protocol/json.ts';

/** What a source of credentials gave. */
export interface Token {
  /** Undefined where it gave headers alone. */
  token: string | undefined;
  /** To send beside it; names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** In ms since the epoch; undefined where neither the source nor the token itself tells. */
  endsMs: number | undefined;
}

/** One word that a header can carry. */
const WORD = /^[\x21-\x7e]+$/;
const word = z.string().trim().regex(WORD);
/** ISO 8601, or a number of seconds (some write milliseconds) since the epoch. */
const moment = z.union([z.string(), z.number()]).transform(readMoment).nullish();
const headerValues = z.record(z.string().regex(/^[!#$%&'*+.^`|~\w-]+$/), z.string().regex(/^[\x20-\x7e]*$/));

/** Ours, gcloud's (`config config-helper`) and AWS's (`get-managed-endpoint-session-credentials`) in one. */
const printed = z
  .object({
    token: word.nullish(),
    headers: headerValues.nullish(),
    expiresAt: moment,
    credential: z.object({ access_token: word, token_expiry: moment }).nullish(),
    credentials: z.object({ token: word, expiresAt: moment }).nullish(),
  })
  .transform(({ token, headers, expiresAt, credential, credentials }) => ({
    token: token ?? credential?.access_token ?? credentials?.token,
    headers: lowerCased(headers ?? {}),
    endsMs: expiresAt ?? credential?.token_expiry ?? credentials?.expiresAt ?? undefined,
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

/** The field `exp` of a JSON Web Token (RFC 7519 §4.1.4). */
function readJwtEnd(token: string): number | undefined {
  const [, payload, signature] = token.split('.');
  if (payload === undefined || signature === undefined) return undefined;
  const payloadJson = readJson(Buffer.from(payload, 'base64url').toString());
  const exp = z.object({ exp: z.number().positive() }).safeParse(payloadJson).data?.exp;
  return exp === undefined ? undefined : exp * 1000;
}

function readMoment(given: string | number): number | undefined {
  const number = typeof given === 'number' ? given : /^\d+(\.\d+)?$/.test(given) ? Number(given) : NaN;
  // Seconds reach this number in the year 5138, milliseconds reached it in 1973.
  const ms = Number.isNaN(number) ? Date.parse(String(given)) : number < 1e11 ? number * 1000 : number;
  return Number.isFinite(ms) ? ms : undefined;
}

/** Names of headers are told apart whatever their case is. */
export function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
