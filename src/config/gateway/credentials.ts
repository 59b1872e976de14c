import type { CredentialSettings } from '../../gateway/auth/credentials.ts';
import type { GatewaySettings } from '../../gateway/gateway.ts';
import type { SettingValues } from '../schema.ts';
import type { ConfigIssues } from '../setting.ts';

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
