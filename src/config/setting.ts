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
