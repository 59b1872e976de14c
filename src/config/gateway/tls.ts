import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { GatewaySettings } from '../../gateway/gateway.ts';
import { readSettingFile } from './service-credentials.ts';
import type { ConfigIssues } from '../setting.ts';

/** The path of a PEM file under the name of the setting that gave it. */
interface NamedPath {
  name: string;
  path: string;
}

/** The PEM texts behind the paths, tried as TLS will use them, so that a wrong file is reported at the start. */
export function readTlsSettings(
  paths: Readonly<Record<'ca' | 'cert' | 'key', NamedPath | undefined>>,
  { verify, passphrase }: Pick<GatewaySettings['tls'], 'verify' | 'passphrase'>,
  issues: ConfigIssues,
): GatewaySettings['tls'] {
  const ca = readPem(paths.ca, issues);
  const cert = readPem(paths.cert, issues);
  // One file may hold both, as Jupyter Server allows.
  const key = paths.key === undefined && cert?.includes('PRIVATE KEY') ? cert : readPem(paths.key, issues);
  if (paths.ca !== undefined && ca !== undefined && !isCertificate(ca))
    issues.problems.push(`${paths.ca.name}: ${paths.ca.path} is no certificate in PEM form.`);
  if (paths.cert !== undefined && cert !== undefined) {
    if (!isCertificate(cert))
      issues.problems.push(`${paths.cert.name}: ${paths.cert.path} is no certificate in PEM form.`);
    else if (key === undefined && paths.key === undefined)
      issues.problems.push('KG_CLIENT_KEY is missing: a client certificate needs its key.');
    else if (key !== undefined) {
      const problem = findKeyProblem(cert, key, passphrase);
      if (problem !== undefined) issues.problems.push(problem);
    }
  }
  if (paths.cert === undefined && paths.key !== undefined)
    issues.problems.push('KG_CLIENT_CERT is missing: a client key needs its certificate.');
  if (passphrase !== undefined && paths.key === undefined && paths.cert === undefined)
    issues.problems.push('KG_CLIENT_KEY is missing: KG_CLIENT_KEY_PASSPHRASE is for it.');
  return {
    verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

function readPem(named: NamedPath | undefined, issues: ConfigIssues): string | undefined {
  return named === undefined ? undefined : readSettingFile(named.name, named.path, issues);
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    return false;
  }
}

/** Why TLS could not use this key with this certificate. */
function findKeyProblem(cert: string, key: string, passphrase: string | undefined): string | undefined {
  try {
    createPrivateKey({ key, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    if (!key.includes('ENCRYPTED')) return 'KG_CLIENT_KEY is no key in PEM form.';
    return passphrase === undefined
      ? 'KG_CLIENT_KEY_PASSPHRASE is missing: KG_CLIENT_KEY is encrypted.'
      : 'KG_CLIENT_KEY_PASSPHRASE does not open KG_CLIENT_KEY.';
  }
  try {
    createSecureContext({ cert, key, ...(passphrase === undefined ? {} : { passphrase }) });
    return undefined;
  } catch {
    return 'KG_CLIENT_KEY does not fit KG_CLIENT_CERT.';
  }
}
