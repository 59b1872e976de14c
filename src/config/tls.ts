import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { GatewaySettings } from '../gateway/gateway.ts';
import type { Findings } from './issues.ts';
import { readSettingFile } from './service-credentials.ts';

/** Paths of PEM files, each under the name of the setting it came by. */
export interface TlsPaths {
  ca: NamedPath | undefined;
  cert: NamedPath | undefined;
  key: NamedPath | undefined;
}
export interface NamedPath {
  name: string;
  path: string;
}

/** The PEM texts behind the paths, tried as TLS will use them, so that a wrong file is told at the start. */
export function readTlsSettings(
  paths: TlsPaths,
  verify: boolean,
  findings: Findings,
): GatewaySettings['tls'] {
  const ca = readPem(paths.ca, findings);
  const cert = readPem(paths.cert, findings);
  // One file may hold both, as Jupyter Server allows.
  const key = paths.key === undefined && cert?.includes('PRIVATE KEY') ? cert : readPem(paths.key, findings);
  if (paths.ca !== undefined && ca !== undefined && !isCertificate(ca))
    findings.problems.push(`${paths.ca.name}: ${paths.ca.path} is no certificate in PEM form.`);
  if (paths.cert !== undefined && cert !== undefined) {
    if (!isCertificate(cert))
      findings.problems.push(`${paths.cert.name}: ${paths.cert.path} is no certificate in PEM form.`);
    else if (key === undefined && paths.key === undefined)
      findings.problems.push('KG_CLIENT_KEY is missing: a client certificate needs its key.');
    else if (key !== undefined && !fit(cert, key))
      findings.problems.push(
        'KG_CLIENT_KEY does not fit KG_CLIENT_CERT, is no key in PEM form, or is encrypted.',
      );
  }
  if (paths.cert === undefined && paths.key !== undefined)
    findings.problems.push('KG_CLIENT_CERT is missing: a client key needs its certificate.');
  return {
    verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function readPem(named: NamedPath | undefined, findings: Findings): string | undefined {
  return named === undefined ? undefined : readSettingFile(named.name, named.path, findings);
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    return false;
  }
}

function fit(cert: string, key: string): boolean {
  try {
    createSecureContext({ cert, key });
    return true;
  } catch {
    return false;
  }
}
