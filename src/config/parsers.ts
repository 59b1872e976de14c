import { z } from 'zod';
import { inHome } from '../folders.ts';
import { parseJson } from '../text.ts';

/**
 * Reads the text of an environment variable. The message of an issue continues the setting's name: "must be a size such as
 * 100MB".
 */
type Parser<Value> = z.ZodType<Value, string>;

/** Makes a parser of a function that returns undefined for text that it cannot read. */
export function readAs<Value>(expected: string, reader: (text: string) => Value | undefined): Parser<Value> {
  return z.string().transform((text, context) => {
    const value = reader(text.trim());
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `must be ${expected}` });
    return z.NEVER;
  });
}

export const text: Parser<string> = z.string();

export const filePath: Parser<string> = z.string().transform(inHome);

export const matching = (pattern: RegExp, expected: string): Parser<string> =>
  readAs(expected, (given) => (pattern.test(given) ? given : undefined));

export const oneOf = <const Word extends string>(words: readonly Word[]): Parser<Word> =>
  readAs(words.join(' or '), (given) => words.find((word) => word === given.toLowerCase()));

export const flag: Parser<boolean> = z
  .string()
  .trim()
  .pipe(z.stringbool({ error: 'must be true or false' }));

/** Other headers cannot be sent (RFC 9110 §5.5). */
const HEADER_NAME = /^[!#$%&'*+.^`|~\w-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export const headerText = matching(HEADER_VALUE, 'characters that an HTTP header can carry');

export const wholeNumber = (least: number, most: number = Number.MAX_SAFE_INTEGER): Parser<number> =>
  readAs(
    most === Number.MAX_SAFE_INTEGER
      ? `a whole number, ${least} or more`
      : `a whole number from ${least} to ${most}`,
    (given) => {
      const number = /^\d+$/.test(given) ? Number(given) : NaN;
      return number >= least && number <= most ? number : undefined;
    },
  );

/** Accepts what the parser reads, or a word such as `none` that has its own meaning. */
export const orWord = <Value, const Meaning>(
  word: string,
  meaning: Meaning,
  parser: Parser<Value>,
): Parser<Value | Meaning> =>
  z.string().transform((given, context) => {
    if (given.trim().toLowerCase() === word) return meaning;
    const { data, error } = parser.safeParse(given);
    if (data !== undefined) return data;
    const message = error?.issues[0]?.message.replace(/^must be /, `must be ${word} or `);
    context.addIssue({ code: 'custom', message: message ?? `must be ${word}` });
    return z.NEVER;
  });

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function readDurationMs(given: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([smhd]?)$/.exec(given.toLowerCase()) ?? [];
  if (amount === undefined) return undefined;
  const unitMs = unit === 'm' || unit === 'h' || unit === 'd' ? UNITS_MS[unit] : UNITS_MS.s;
  const ms = Math.round(Number(amount) * unitMs);
  return ms > 0 ? ms : undefined;
}

/** Node's timers cannot wait longer than 24.8 days. */
const TIMER_LIMIT_MS = 24 * UNITS_MS.d;
const A_DURATION = 'a duration such as 90s, 10m, 12h or 30d (a bare number is seconds)';

/** A duration for a timer, in ms: more than 0 and at most 24d. */
export const waitingTime: Parser<number> = readAs(`${A_DURATION}, at most 24d`, (given) => {
  const ms = readDurationMs(given);
  return ms !== undefined && ms <= TIMER_LIMIT_MS ? ms : undefined;
});

/** A duration that is only compared, in ms, without an upper limit. */
export const span: Parser<number> = readAs(A_DURATION, readDurationMs);

const POWERS: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3 };

/** A whole number of bytes. `MB` is a million, `MiB` is 2^20. */
export const size: Parser<number> = readAs('a size such as 32MB or 1GB (a bare number is bytes)', (given) => {
  const [, amount, power = '', binary] =
    /^(\d+(?:\.\d+)?)\s*(?:([kmg])(i)?b|b)?$/.exec(given.toLowerCase()) ?? [];
  const bytes = Math.round(Number(amount) * (binary === undefined ? 1000 : 1024) ** (POWERS[power] ?? 0));
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
});

/** Items separated by commas or blanks. Each has to match. */
export const listOf = (item: RegExp, expected: string): Parser<readonly string[]> =>
  readAs(`a list of ${expected}, with commas between`, (given) => {
    const items = given.split(/[\s,]+/).filter((each) => each !== '');
    return items.length > 0 && items.every((each) => item.test(each)) ? [...new Set(items)] : undefined;
  });

/** `name=value` pairs separated by commas. Names are put in lower case and must be unique. */
export const pairs: Parser<Readonly<Record<string, string>>> = readAs(
  'pairs such as python2=python2-spark21,scala=scala-spark21, each name once',
  (given) => {
    const found = new Map<string, string>();
    for (const pair of given.split(',').filter((each) => each.trim() !== '')) {
      const [, name, value] = /^\s*([^\s=]+)\s*=\s*([^\s=]+)\s*$/.exec(pair) ?? [];
      if (name === undefined || value === undefined || found.has(name.toLowerCase())) return undefined;
      found.set(name.toLowerCase(), value);
    }
    return found.size > 0 ? Object.fromEntries(found) : undefined;
  },
);

const texts = z.record(z.string(), z.string());

/** A JSON object of strings. `name` and `value` are the forms of its keys and values. */
const jsonTexts = (name: RegExp, value: RegExp, example: string): Parser<Readonly<Record<string, string>>> =>
  readAs(`a JSON object of texts such as ${example}`, (given) => {
    const read = texts.safeParse(parseJson(given)).data;
    if (read === undefined) return undefined;
    return Object.entries(read).every(([key, each]) => name.test(key) && value.test(each)) ? read : undefined;
  });

export const jsonHeaders = jsonTexts(HEADER_NAME, HEADER_VALUE, '{"X-Team":"data"}');

export const jsonEnvironment = jsonTexts(/^[A-Za-z_]\w*$/, /^[^\0]*$/, '{"KERNEL_QUEUE":"adhoc"}');

const argv = z.tuple([z.string().min(1)], z.string());

/** Words with a meaning in a shell. Without a shell they would be plain arguments, which nobody wants. */
const SHELL_WORD = /^([|&;<>]+|\d?>+&?\d?|.*(\$[\w({]|`).*)$/s;

/**
 * A program and its arguments, as a JSON array or as words separated by blanks. `'…'` and `"…"` quote blanks. There is no other
 * syntax, because no shell reads it.
 */
export const commandLine: Parser<readonly string[]> = readAs(
  'a program and its arguments, without a shell’s signs (["sh","-c","…"] has a shell), or the same as a JSON array of texts',
  (given) => {
    if (given.startsWith('[')) return argv.safeParse(parseJson(given)).data;
    const words = splitWords(given);
    return words?.some((word) => SHELL_WORD.test(word)) === true ? undefined : words;
  },
);

/** Undefined if a quote is not closed. */
function splitWords(line: string): string[] | undefined {
  const part = /[^\s'"]+|'([^']*)'|"([^"]*)"/y;
  const words: string[] = [];
  for (let at = 0, isInWord = false; at < line.length;) {
    const blank = /^\s+/.exec(line.slice(at))?.[0] ?? '';
    if (blank !== '') isInWord = false;
    at += blank.length;
    part.lastIndex = at;
    const found = part.exec(line);
    if (found === null) return at === line.length ? words : undefined;
    const piece = found[1] ?? found[2] ?? found[0];
    if (isInWord) words.push((words.pop() ?? '') + piece);
    else words.push(piece);
    isInWord = true;
    at = part.lastIndex;
  }
  return words;
}

/** The word before a token; empty for `none`. */
export const authScheme: Parser<string> = readAs('one word such as Bearer, or none', (given) => {
  if (given.toLowerCase() === 'none') return '';
  return HEADER_NAME.test(given) ? given : undefined;
});

export const headerName = matching(HEADER_NAME, 'the name of a header such as X-Token');

export const jsonObject: Parser<Readonly<Record<string, unknown>>> = readAs(
  'a JSON object such as {"kernel_size":{"cores":2}}',
  (given) => z.record(z.string(), z.unknown()).safeParse(parseJson(given)).data,
);

/** A path below a root, without a slash at either end. */
export const path: Parser<string> = readAs('a path such as api/kernels', (given) =>
  /^[\w.~%/-]*\w[\w.~%/-]*$/.test(given) && !given.split('/').includes('..')
    ? given.replaceAll(/^\/+|\/+$/g, '')
    : undefined,
);

/** `http://user:password@host:3128/`. `host:3128` alone means http. */
export const proxyUrl: Parser<string> = readAs(
  'the URL of an HTTP proxy such as http://host:3128, without a path',
  (given) => {
    const url = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(given) ? given : `http://${given}`);
    if (url === null || !['http:', 'https:'].includes(url.protocol) || url.hostname === '') return undefined;
    return `${url.pathname}${url.search}${url.hash}` === '/' && isDecodable(url) ? url.href : undefined;
  },
);

/** Whether the user and the password are correctly percent-encoded. */
export function isDecodable({ username, password }: URL): boolean {
  try {
    return decodeURIComponent(username + password) !== undefined;
  } catch {
    return false;
  }
}

/**
 * An absolute URL of one of the protocols (`https:`), without user, password, query or fragment, ending with `/`. `instead`
 * tells where these belong.
 */
export const rootUrl = (protocols: readonly string[], instead = ''): Parser<string> => {
  const wanted = `a URL such as ${protocols.at(-1)}//host/path/, without a user, a password or a query`;
  return readAs(`${wanted}${instead}`, (given) => {
    const url = URL.parse(given);
    if (url === null || !protocols.includes(url.protocol) || url.hostname === '') return undefined;
    if (`${url.username}${url.password}${url.search}${url.hash}` !== '') return undefined;
    return url.href.endsWith('/') ? url.href : `${url.href}/`;
  });
};

/** A setting's documentation. */
export interface SettingDoc {
  description: string;
  example: string;
  /** As it would be written. Absent: the setting has no default. */
  default?: string;
  /** The value is never shown, logged or repeated in an error message. */
  secret?: boolean;
  /** This is Jupyter Server's name for that setting. */
  aliasOf?: string;
}

export const settingDocs = z.registry<SettingDoc>();

export function optional<Value>(parser: z.ZodType<Value, string>, doc: SettingDoc) {
  return parser.optional().register(settingDocs, doc);
}

export function withDefault<Value>(parser: z.ZodType<Value, string>, byDefault: string, doc: SettingDoc) {
  return parser.prefault(byDefault).register(settingDocs, { ...doc, default: byDefault });
}
