import { createPrivateKey, X509Certificate } from 'node:crypto';
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
  const paths = { ca: values.KG_CLIENT_CA, cert: values.KG_CLIENT_CERT, key: values.KG_CLIENT_KEY };
  const ca = paths.ca === undefined ? undefined : readSettingFile('KG_CLIENT_CA', paths.ca, issues);
  const cert = paths.cert === undefined ? undefined : readSettingFile('KG_CLIENT_CERT', paths.cert, issues);
  // One file may contain both, as Jupyter Server allows.
  const shared = cert?.includes('PRIVATE KEY') ? cert : undefined;
  const key = paths.key === undefined ? shared : readSettingFile('KG_CLIENT_KEY', paths.key, issues);
  if (ca !== undefined && !isCertificate(ca))
    issues.problems.push(`KG_CLIENT_CA: ${paths.ca} is no certificate in PEM form.`);
  const hasCertificate = cert !== undefined && isCertificate(cert);
  if (cert !== undefined && !hasCertificate)
    issues.problems.push(`KG_CLIENT_CERT: ${paths.cert} is no certificate in PEM form.`);
  if (hasCertificate && key === undefined && paths.key === undefined)
    issues.problems.push('KG_CLIENT_KEY is missing: a client certificate needs its key.');
  const problem =
    key === undefined ? undefined : findKeyProblem(hasCertificate ? cert : undefined, key, passphrase);
  if (problem !== undefined) issues.problems.push(problem);
  if (paths.cert === undefined && paths.key !== undefined)
    issues.problems.push('KG_CLIENT_CERT is missing: a client key needs its certificate.');
  if (passphrase !== undefined && paths.key === undefined && paths.cert === undefined)
    issues.problems.push('KG_CLIENT_KEY is missing: KG_CLIENT_KEY_PASSPHRASE is for it.');
  return { verify, ca, cert, key, passphrase };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    return false;
  }
}

/** Why TLS cannot use this key, by itself or with this certificate. */
function findKeyProblem(
  cert: string | undefined,
  key: string,
  passphrase: string | undefined,
): string | undefined {
  try {
    createPrivateKey({ key, passphrase });
  } catch {
    if (!key.includes('ENCRYPTED')) return 'KG_CLIENT_KEY is no key in PEM form.';
    return passphrase === undefined
      ? 'KG_CLIENT_KEY_PASSPHRASE is missing: KG_CLIENT_KEY is encrypted.'
      : 'KG_CLIENT_KEY_PASSPHRASE does not open KG_CLIENT_KEY.';
  }
  if (cert === undefined) return undefined;
  try {
    createSecureContext({ cert, key, passphrase });
    return undefined;
  } catch {
    return 'KG_CLIENT_KEY does not fit KG_CLIENT_CERT.';
  }
}
