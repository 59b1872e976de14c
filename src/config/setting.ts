import { z } from 'zod';

/** What a reader of the docs is told about a setting. */
export interface SettingDoc {
  description: string;
  example: string;
  /** As it would be written; absent: unset. */
  default?: string;
  /** Never shown, logged or repeated in a complaint. */
  secret?: boolean;
}

export const settingDocs = z.registry<SettingDoc>();

export function optional<Value>(parser: z.ZodType<Value, string>, doc: SettingDoc) {
  return parser.optional().register(settingDocs, doc);
}

export function withDefault<Value>(parser: z.ZodType<Value, string>, byDefault: string, doc: SettingDoc) {
  return parser.prefault(byDefault).register(settingDocs, { ...doc, default: byDefault });
}

/** What is found while settings are read together. Nothing in it holds a secret. */
export interface ConfigIssues {
  /** One sentence each; any of them keeps the bot from starting. */
  problems: string[];
  /** One sentence each, logged at the start. */
  warnings: string[];
  /** Settings that were given and could not be read: reported already, so not to be called missing. */
  unread: ReadonlySet<string>;
}
