import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import type { CredentialSettings } from '../../gateway/auth/credentials.ts';
import type { GatewaySettings } from '../../gateway/gateway.ts';
import { parseJson } from '../../text.ts';
import { rootUrl, text } from '../parsers.ts';
import type { SettingValues, ConfigIssues } from '../settings.ts';

/** The part about the notebook gateway of an IBM Analytics Engine service credentials JSON. */
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

/** Undefined, with the reason added to the problems, if the file is not such a JSON. */
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

/** JSON, PEM or Base64: somebody put what should be in the file, which may be a secret, in place of its path. */
const CONTENT = /^\s*\{|-----|\n|^[\w+/=]{150}/;

/** The text of the file that the setting `name` points to; undefined, with the reason added, if it cannot be read. */
export function readSettingFile(name: string, path: string, issues: ConfigIssues): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    issues.problems.push(
      CONTENT.test(path)
        ? `${name} must be the path of a file, not what is in that file.`
        : `${name}: the file ${path} cannot be read (${reason}).`,
    );
    return undefined;
  }
}

/** The settings of credentials that expire; undefined if there are none. `user`: for HTTP Basic. */
export function readCredentialSettings(
  values: SettingValues,
  user: string | undefined,
  issues: ConfigIssues,
): CredentialSettings | undefined {
  const { KG_AUTH_COMMAND: command, KG_AUTH_TOKEN_FILE: path } = values;
  const { KG_AUTH_SCHEME: scheme = 'token', KG_AUTH_HEADER: header = 'Authorization' } = values;
  if (command === undefined && path === undefined) return undefined;
  const name = command === undefined ? 'KG_AUTH_TOKEN_FILE' : 'KG_AUTH_COMMAND';
  if (command !== undefined && path !== undefined)
    issues.problems.push(
      'KG_AUTH_COMMAND and KG_AUTH_TOKEN_FILE are two sources of one token: give one of them.',
    );
  if (values.KG_AUTH_TOKEN !== undefined)
    issues.problems.push(`KG_AUTH_TOKEN is given beside ${name}: give one of them.`);
  if (user !== undefined && header.toLowerCase() === 'authorization')
    issues.problems.push(
      `KG_HTTP_USER and ${name} both want the header Authorization: KG_AUTH_HEADER names another for the token.`,
    );
  const place: CredentialSettings['place'] =
    command === undefined ? { kind: 'file', path: path ?? '' } : { kind: 'command', argv: command };
  return { place, scheme, header };
}

/** Reads the PEM files and tries them as TLS will use them, so that a wrong file is reported at the start. */
export function readTlsSettings(values: SettingValues, issues: ConfigIssues): GatewaySettings['tls'] {
  const { VALIDATE_KG_CERT: verify = true, KG_CLIENT_KEY_PASSPHRASE: passphrase } = values;
  const read = (name: 'KG_CLIENT_CA' | 'KG_CLIENT_CERT' | 'KG_CLIENT_KEY'): string | undefined => {
    const path = values[name];
    return path === undefined ? undefined : readSettingFile(name, path, issues);
  };
  const [ca, cert, ownKey] = [read('KG_CLIENT_CA'), read('KG_CLIENT_CERT'), read('KG_CLIENT_KEY')];
  const hasKey = values.KG_CLIENT_KEY !== undefined;
  // One file may contain both, as Jupyter Server allows.
  const key = !hasKey && cert?.includes('PRIVATE KEY') ? cert : ownKey;
  if (ca !== undefined && !isCertificate(ca))
    issues.problems.push(`KG_CLIENT_CA: ${values.KG_CLIENT_CA} is no certificate in PEM form.`);
  if (cert !== undefined && key === undefined && !hasKey)
    issues.problems.push('KG_CLIENT_KEY is missing: a client certificate needs its key.');
  if (values.KG_CLIENT_CERT === undefined && (hasKey || passphrase !== undefined))
    issues.problems.push('KG_CLIENT_CERT is missing: KG_CLIENT_KEY and KG_CLIENT_KEY_PASSPHRASE are for it.');
  const problem = cert === undefined || key === undefined ? undefined : problemOf({ cert, key, passphrase });
  if (problem !== undefined)
    issues.problems.push(
      `KG_CLIENT_CERT and KG_CLIENT_KEY cannot be used (${problem}): they must be a certificate and its key in PEM form, and an encrypted key needs its KG_CLIENT_KEY_PASSPHRASE.`,
    );
  return { verify, ca, cert, key, passphrase };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    return false;
  }
}

/** Why TLS cannot use these, in OpenSSL's words: `key values mismatch`. */
function problemOf(files: { cert: string; key: string; passphrase: string | undefined }): string | undefined {
  try {
    createSecureContext(files);
    return undefined;
  } catch (error) {
    return error instanceof Error && 'reason' in error ? String(error.reason) : 'unreadable';
  }
}
