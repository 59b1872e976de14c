import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { inHome } from '../folders.ts';
import { gatewayFields, hubFields, jupyterFields } from './fields/gateway-fields.ts';
import { kernelFields, runFields, sparkFields } from './fields/run-fields.ts';
import { networkFields, serverFields, storeFields } from './fields/server-fields.ts';
import { policyFields, slackFields } from './fields/slack-fields.ts';
import { type SettingDoc, settingDocs } from './parsers.ts';

/** Every setting, by the name of its environment variable. */
export const settingsSchema = z.object({
  ...slackFields,
  ...gatewayFields,
  ...jupyterFields,
  ...hubFields,
  ...networkFields,
  ...kernelFields,
  ...storeFields,
  ...runFields,
  ...sparkFields,
  ...policyFields,
  ...serverFields,
});

/** The settings, each read by itself. */
export type SettingValues = z.output<typeof settingsSchema>;

/** Problems and warnings of all settings. They contain no secrets. */
export interface ConfigIssues {
  /** One sentence each. Any of them prevents the start. */
  problems: string[];
  /** One sentence each. They are logged at the start. */
  warnings: string[];
  /** Settings that were given but could not be read. They are reported already and must not be called missing. */
  unread: ReadonlySet<string>;
  /** The other names under which settings were given. */
  givenAs: ReadonlyMap<string, string>;
}

export interface Setting extends SettingDoc {
  name: string;
  group: string;
}

const groups: Readonly<Record<string, Readonly<Record<string, z.ZodType>>>> = {
  Slack: slackFields,
  Gateway: gatewayFields,
  'Gateway, by Jupyter Server’s names': jupyterFields,
  JupyterHub: hubFields,
  Network: networkFields,
  Kernels: kernelFields,
  Store: storeFields,
  Runs: runFields,
  Spark: sparkFields,
  'Who may do what': policyFields,
  Operation: serverFields,
};

/** All settings in the order of the docs. `.env.example` and docs/configuration.md are generated from them. */
export const settings: readonly Setting[] = Object.entries(groups).flatMap(([group, fields]) =>
  Object.entries(fields).flatMap(([name, field]) => {
    const doc = settingDocs.get(field);
    return doc === undefined ? [] : [{ name, group, ...doc }];
  }),
);

type Environment = Readonly<Record<string, string | undefined>>;

const FILE_SUFFIX = '_FILE';

/**
 * Secrets that may come from a file, as Docker and Kubernetes provide them: `NAME_FILE` is its path. This excludes
 * KG_AUTH_TOKEN, because KG_AUTH_TOKEN_FILE is a setting of its own.
 */
const secretsInFiles = settings
  .filter(({ name, secret }) => secret === true && !settings.some((each) => each.name === name + FILE_SUFFIX))
  .map(({ name }) => name);

/** The names of all variables that are read. */
export const settingNames: readonly string[] = [
  ...settings.map(({ name }) => name),
  ...secretsInFiles.map((name) => name + FILE_SUFFIX),
];

/** Reads each setting by itself. A setting that cannot be read is reported and counts as absent, so that the rest is checked too. */
export function readValues(env: Environment): { values: SettingValues; issues: ConfigIssues } {
  const given = new Map(
    settings.flatMap(({ name }) => {
      const text = textOf(env, name);
      return text === undefined ? [] : [[name, text] as const];
    }),
  );
  const fromFiles = readSecretFiles(env, given);
  const found = settingsSchema.safeParse(Object.fromEntries(given)).error?.issues ?? [];
  const unread = new Map(found.map((issue) => [String(issue.path[0]), issue.message]));
  const problems = [...unread].map(([name, message]) => {
    const secret = settings.some((setting) => setting.name === name && setting.secret === true);
    const place = fromFiles.read.has(name) ? ` (from ${name}${FILE_SUFFIX})` : '';
    return `${name}${place} ${message}${secret ? '' : `, not ${shorten(name, given.get(name) ?? '')}`}.`;
  });
  const readable = new Map([...given].filter(([name]) => !unread.has(name)));
  const { givenAs, warnings } = resolveAliases(readable);
  const failed = [...fromFiles.failed, ...unread.keys()];
  const meant = settings.flatMap(({ name, aliasOf }) => (failed.includes(name) ? (aliasOf ?? []) : []));
  return {
    values: settingsSchema.parse(Object.fromEntries(readable)),
    issues: {
      problems: [...fromFiles.problems, ...problems],
      warnings,
      unread: new Set([...failed, ...meant]),
      givenAs,
    },
  };
}

/** A setting given only under Jupyter Server's name counts as given under ours. A contradiction is a warning. */
function resolveAliases(readable: Map<string, string>) {
  const values: Readonly<Record<string, unknown>> = settingsSchema.parse(Object.fromEntries(readable));
  const givenAs = new Map<string, string>();
  const warnings: string[] = [];
  for (const { name: alias, aliasOf: name } of settings) {
    const text = readable.get(alias);
    if (name === undefined || text === undefined) continue;
    if (!readable.has(name)) {
      readable.set(name, text);
      givenAs.set(name, alias);
    } else if (!isDeepStrictEqual(values[name], values[alias]))
      warnings.push(`${name} and ${alias} differ; ${name} is used.`);
  }
  return { givenAs, warnings };
}

/** Most programs read these in lower case too, and some only in lower case. */
const LOWER_CASE_TOO = new Set(['HTTPS_PROXY', 'NO_PROXY']);

/** Undefined if the variable is absent or empty. */
function textOf(env: Environment, name: string): string | undefined {
  const names = LOWER_CASE_TOO.has(name) ? [name, name.toLowerCase()] : [name];
  return names.map((each) => env[each]).find((text) => text !== undefined && text.trim() !== '');
}

/**
 * Adds the contents of the files to `given`, without the last line break, which editors and `echo` add. An error message does
 * not repeat the path, because somebody may have put the secret there.
 */
function readSecretFiles(env: Environment, given: Map<string, string>) {
  const problems: string[] = [];
  const read = new Set<string>();
  const failed = new Set<string>();
  for (const name of secretsInFiles) {
    const path = textOf(env, name + FILE_SUFFIX)?.trim();
    if (path === undefined) continue;
    if (given.has(name)) {
      problems.push(`${name} is given beside ${name}${FILE_SUFFIX}: give one of them.`);
      continue;
    }
    try {
      const text = readFileSync(inHome(path), 'utf8').replace(/\r?\n$/, '');
      if (text.trim() === '') throw new Error('empty');
      given.set(name, text);
      read.add(name);
    } catch (error) {
      failed.add(name);
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'it is empty';
      problems.push(`${name}${FILE_SUFFIX} must be the path of a file with the secret (${reason}).`);
    }
  }
  return { problems, read, failed };
}

/** A value for an error message. Of a URL, everything before the host and the query are left out: they may be credentials. */
function shorten(name: string, value: string): string {
  const shown = name.endsWith('_URL')
    ? value.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1…@').replace(/[?#].*$/s, '?…')
    : value;
  return JSON.stringify(shown.length > 60 ? `${shown.slice(0, 60)}…` : shown);
}

/** Variables of other programs whose names resemble ours: the locale's LANGUAGE is set on most machines. */
const FOREIGN_NAMES = new Set(['LANGUAGE', 'HTTP_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']);

/** A name with one of these prefixes is surely meant for us, so it may have more wrong letters. */
const OWN_PREFIX = /^(SLACK_|KG_|JUPYTER_GATEWAY_)/;

/** One warning for each variable whose name is almost that of a setting. */
export function warnOfMisspelt(given: readonly string[], known: readonly string[]): string[] {
  const names = new Set(known);
  return given
    .filter((name) => !names.has(name) && !FOREIGN_NAMES.has(name))
    .flatMap((name) => {
      const nearest = nearestNames(name, known, Math.floor(name.length / (OWN_PREFIX.test(name) ? 2.5 : 5)));
      return nearest.length === 0 ? [] : [`${name} is not a setting; did you mean ${nearest.join(' or ')}?`];
    });
}

/** The most similar names, if their distance is at most `limit`. */
function nearestNames(name: string, known: readonly string[], limit: number): string[] {
  const measured = known.map((each) => ({ each, off: distance(name, each) }));
  const least = Math.min(...measured.map(({ off }) => off));
  return least > limit ? [] : measured.filter(({ off }) => off === least).map(({ each }) => each);
}
