import { GatewayError } from '../errors.ts';
import type { Credentials, Log } from '../gateway.ts';
import { readToken, type Token, openTokenSource, type TokenPlace, type TokenSource } from './token-source.ts';

export interface CredentialSettings {
  place: TokenPlace;
  /** The word before the token; empty to send the token alone. */
  scheme: string;
  /** The header's name. */
  header: string;
}

export interface CredentialOptions {
  log: Log;
  /** Called with each token and header before it is used, so that logs can hide it. */
  onSecret: (secret: string) => void;
  /** For tests: the clock (ms since the epoch) and the source. */
  now?: () => number;
  source?: TokenSource;
}

/** What may be shown of a token. */
export interface TokenFacts {
  /** Length of the token, or of all headers if there is none. */
  characters: number;
  /** When it expires, in ms since the epoch; undefined if that is not known. */
  endsMs: number | undefined;
}

/** A new token is fetched this long before the old one expires, or in the last quarter of a short life. */
const RENEW_BEFORE_MS = 60_000;
/** How long a token without a known expiry is used. */
const ASSUMED_USE_MS = 300_000;
/** Least time between two reads of the source, even if its tokens are expired when they come, or it fails. */
const LEAST_GAP_MS = 1_000;

interface Held extends TokenFacts {
  headers: Readonly<Record<string, string>>;
  readMs: number;
  renewMs: number;
  /** The expiry, known or assumed. */
  usedUntilMs: number;
}

/**
 * Credentials that expire. New ones are fetched before that, once for all requests, which are meanwhile sent with the
 * old ones. If the source fails, the last ones are used until they expire.
 */
export class RenewingCredentials implements Credentials {
  readonly #settings: CredentialSettings;
  readonly #options: CredentialOptions;
  readonly #source: TokenSource;
  readonly #now: () => number;
  #held: Held | undefined;
  #reading: Promise<Held> | undefined;
  #failed: { failure: GatewayError; atMs: number } | undefined;

  constructor(settings: CredentialSettings, options: CredentialOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#source = options.source ?? openTokenSource(settings.place, options.log);
    this.#now = options.now ?? Date.now;
  }

  async headers(): Promise<Readonly<Record<string, string>>> {
    const held = this.#held;
    if (held === undefined) return (await this.#read()).headers;
    const isChanged = (await this.#source.isChanged?.()) === true;
    const now = this.#now();
    if (!isChanged && now < held.renewMs) return (this.#held ?? held).headers;
    const reading = this.#read();
    if (!isChanged && now < held.usedUntilMs) {
      reading.catch(() => undefined);
      return held.headers;
    }
    try {
      return (await reading).headers;
    } catch (failure) {
      // Without a known expiry only the gateway can tell.
      if (held.endsMs === undefined || this.#now() < held.endsMs) return held.headers;
      throw failure;
    }
  }

  async renew(refused: Readonly<Record<string, string>>): Promise<boolean> {
    const held = this.#held;
    if (held === undefined) return false;
    const isOther = () =>
      Object.entries(this.#held?.headers ?? {}).some(([name, value]) => refused[name] !== value);
    if (isOther()) return true;
    // A token that is refused right after it was fetched lacks a right, unless it expired in that moment.
    const { readMs, endsMs = Infinity } = held;
    const hasEnded = endsMs > readMs && this.#now() >= endsMs;
    if (this.#isJustBefore(readMs) && !hasEnded) return false;
    await this.#read();
    return isOther();
  }

  /** Fetches a token if there is none. Rejects with `GatewayError`. */
  async facts(): Promise<TokenFacts> {
    await this.headers();
    const { characters = 0, endsMs } = this.#held ?? {};
    return { characters, endsMs };
  }

  /** False also for a time that lies ahead since the clock was set back. */
  #isJustBefore(atMs: number): boolean {
    const agoMs = this.#now() - atMs;
    return agoMs >= 0 && agoMs < LEAST_GAP_MS;
  }

  #read(): Promise<Held> {
    const { failure, atMs = 0 } = this.#failed ?? {};
    if (failure !== undefined && this.#isJustBefore(atMs)) return Promise.reject(failure);
    this.#reading ??= this.#readOnce().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #readOnce(): Promise<Held> {
    try {
      const text = await this.#source.read();
      if (text.trim() === '') throw new GatewayError('noCredentials', `${this.#source.name} gave nothing`);
      const token = readToken(text);
      if (token === undefined)
        throw new GatewayError(
          'noCredentials',
          `${this.#source.name} gave neither a token nor JSON with one`,
        );
      this.#held = this.#hold(token);
      this.#failed = undefined;
      return this.#held;
    } catch (cause) {
      const failure =
        cause instanceof GatewayError
          ? cause
          : new GatewayError('noCredentials', `${this.#source.name} failed`, { cause });
      const isNew = this.#failed?.failure.message !== failure.message;
      this.#failed = { failure, atMs: this.#now() };
      if (isNew)
        this.#options.log.warn(
          { event: 'gateway.token', why: failure.message },
          'could not get a new token for the gateway',
        );
      throw failure;
    }
  }

  #hold({ token, headers: beside, endsMs }: Token): Held {
    const { scheme, header } = this.#settings;
    const value = token === undefined ? undefined : scheme === '' ? token : `${scheme} ${token}`;
    const headers = { ...(value === undefined ? {} : { [header.toLowerCase()]: value }), ...beside };
    const secrets = [...(token === undefined ? [] : [token]), ...Object.values(beside)];
    for (const secret of secrets) this.#options.onSecret(secret);
    const readMs = this.#now();
    const usedUntilMs = Math.max(endsMs ?? readMs + ASSUMED_USE_MS, readMs + LEAST_GAP_MS);
    const earlierMs = Math.min(RENEW_BEFORE_MS, (usedUntilMs - readMs) / 4);
    return {
      headers,
      characters: (token ?? secrets.join('')).length,
      endsMs,
      readMs,
      usedUntilMs,
      renewMs: usedUntilMs - earlierMs,
    };
  }
}
