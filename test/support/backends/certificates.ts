import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanEnvironment } from '../../../demo/clean-environment.ts';
import { mustRun } from '../../../demo/provision/run-tool.ts';

export type Certificates = AsyncDisposable & {
  /** The certificate authority that signed the server's certificate. */
  caFile: string;
  /** Another authority, which did not. */
  otherCaFile: string;
  /** The server's, for localhost and 127.0.0.1. */
  certificate: string;
  key: string;
};

const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';

/** Runs openssl with the words of a command, and with options whose values may contain blanks. */
function openssl(command: string, options: Record<string, string>) {
  const args = [
    ...command.split(' '),
    ...Object.entries(options).flatMap(([name, value]) => [`-${name}`, value]),
  ];
  return mustRun('openssl', args, { env: cleanEnvironment(process.env) });
}

/** Makes two certificate authorities and a server certificate with `openssl`. Disposal deletes them. */
export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'sparkthread-certificates-'));
  const file = (name: string) => join(folder, name);
  for (const name of ['ca', 'other-ca']) {
    await openssl(`req -x509 -days 30 ${newKey}`, {
      subj: `/CN=Sparkthread test ${name}`,
      keyout: file(`${name}.key`),
      out: file(`${name}.pem`),
    });
  }
  await writeFile(file('names.cnf'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  await openssl(`req ${newKey}`, {
    subj: '/CN=localhost',
    keyout: file('server.key'),
    out: file('server.csr'),
  });
  await openssl('x509 -req -days 30 -CAcreateserial', {
    in: file('server.csr'),
    CA: file('ca.pem'),
    CAkey: file('ca.key'),
    extfile: file('names.cnf'),
    out: file('server.pem'),
  });
  return {
    caFile: file('ca.pem'),
    otherCaFile: file('other-ca.pem'),
    certificate: await readFile(file('server.pem'), 'utf8'),
    key: await readFile(file('server.key'), 'utf8'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
