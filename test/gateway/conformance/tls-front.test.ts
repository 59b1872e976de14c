import { readFileSync } from 'node:fs';
import { inject } from 'vitest';
import { startKernelGateway } from '../../../demo/gateway.ts';
import { startTlsFront } from '../../support/backends/tls-front.ts';
import { asConformanceServer, type ConformanceServer, testConformance } from '../../support/conformance.ts';
import { settingsFor } from '../../support/gateway-client.ts';

testConformance('Kernel Gateway behind TLS, Basic and separate prefixes', {
  start: () => asConformanceServer(startKernelGateway({ provisioned: inject('backends'), token: '' })),
  startOuterFront: startTls,
  takesEnv: true,
  takesKernelId: true,
});

async function startTls(upstream: string): Promise<ConformanceServer> {
  const front = await startTlsFront({ upstream });
  const tls = { ca: readFileSync(front.caFile, 'utf8'), verify: true };
  const settings = settingsFor(
    { httpUrl: front.url, wsUrl: front.wsUrl },
    { user: front.user, pass: front.password, tls, launchTimeoutMs: 120_000 },
  );
  return { settings, url: front.url, [Symbol.asyncDispose]: () => front.stop() };
}
