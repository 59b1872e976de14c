import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { CredentialSettings } from '../../gateway/auth/credentials.ts';
import type { GatewaySettings } from '../../gateway/gateway.ts';
import { parseJson, rootUrl, text } from '../parsers.ts';
import type { ConfigIssues } from '../setting.ts';
import type { SettingValues } from '../schema.ts';

/** The part of an IBM Analytics Engine service credentials JSON that says where the notebook gateway is. */
const credentialsSchema = z.object({
  cluster: z.object({
    user: text.optional(),
    password: text.optional(),
    service_endpoints: z.object({
      notebook_gateway: rootUrl(['http:', 'https:']),
      notebook_gateway_websocket: rootUrl(['ws:', 'wss:']).optional(),
    }),
  }),
});

export interface ServiceCredentials {
  httpUrl: string;
  wsUrl: string | undefined;
  user: string | undefined;
  pass: string | undefined;
}

/** Undefined, with the reason among the problems, when the file at `path` is not such a JSON. */
export function readServiceCredentials(path: string, issues: ConfigIssues): ServiceCredentials | undefined {
  const content = readSettingFile('KG_SERVICE_CREDENTIALS', path, issues);
  if (content === undefined) return undefined;
  const json = parseJson(content);
  if (json === undefined) {
    issues.problems.push(`KG_SERVICE_CREDENTIALS: ${path} is not JSON.`);
    return undefined;
  }
  const read = credentialsSchema.safeParse(json);
  if (!read.success) {
    for (const issue of read.error.issues) {
      const complaint = issue.code === 'custom' ? issue.message : 'is missing or no text';
      issues.problems.push(`KG_SERVICE_CREDENTIALS: in ${path}, ${issue.path.join('.')} ${complaint}.`);
    }
    return undefined;
  }
  const { user, password, service_endpoints: endpoints } = read.data.cluster;
  return {
    httpUrl: endpoints.notebook_gateway,
    wsUrl: endpoints.notebook_gateway_websocket,
    user,
    pass: password,
  };
}

/** The text of the file that setting `name` points to; undefined, with the reason added, when there is none. */
export function readSettingFile(name: string, path: string, issues: ConfigIssues): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    issues.problems.push(`${name}: the file ${path} cannot be read (${reason}).`);
    return undefined;
  }
}

/** Credentials that do not last; undefined where there are none. */
export function readCredentialSettings(
  values: SettingValues,
  gateway: Pick<GatewaySettings, 'user' | 'token' | 'headers' | 'authScheme' | 'authHeader'>,
  issues: ConfigIssues,
): CredentialSettings | undefined {
  const { KG_AUTH_COMMAND: command, KG_AUTH_TOKEN_FILE: path } = values;
  if (command === undefined && path === undefined) return undefined;
  const name = command === undefined ? 'KG_AUTH_TOKEN_FILE' : 'KG_AUTH_COMMAND';
  if (command !== undefined && path !== undefined)
    issues.problems.push(
      'KG_AUTH_COMMAND and KG_AUTH_TOKEN_FILE are two sources of one token: give one of them.',
    );
  if (gateway.token !== undefined)
    issues.problems.push(`KG_AUTH_TOKEN is given beside ${name}: give one of them.`);
  const { authScheme: scheme = 'token', authHeader: header = 'Authorization' } = gateway;
  if (gateway.user !== undefined && header.toLowerCase() === 'authorization')
    issues.problems.push(
      `KG_HTTP_USER and ${name} both want the header Authorization: KG_AUTH_HEADER names another for the token.`,
    );
  const place: CredentialSettings['place'] =
    command === undefined ? { kind: 'file', path: path ?? '' } : { kind: 'command', argv: command };
  return { place, scheme, header };
}
