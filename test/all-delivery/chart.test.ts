import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';
import { showProgress } from '../../demo/provision/progress.ts';
import { readConfig } from '../../src/config/config.ts';
import { CHART, ensureHelm, type Helm, plainManifests, renderChart } from '../../tools/helm.ts';
import { installations } from './installations.ts';
import { type KubernetesObject, kubernetesObject } from './kubernetes-object.ts';

const certificate = fileURLToPath(new URL('../fixtures/tls/ca.pem', import.meta.url));
const checker = join(inject('linters'), 'kubernetes-validate');
let helm: Helm | undefined;
let folder: string;
beforeAll(async () => {
  helm = await ensureHelm(process.env, showProgress(process.stdout));
  folder = await mkdtemp(join(tmpdir(), 'sparkthread-chart-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(({ skip }) => skip(helm === undefined, 'there is no `go` to build Helm with'));

const names = Object.keys(installations) as (keyof typeof installations)[];

async function render(values: object, ...more: string[]): Promise<string> {
  if (helm === undefined) throw new Error('no Helm');
  const file = join(folder, 'values.yaml');
  await writeFile(file, stringify(values));
  return await renderChart(helm, `--values=${file}`, ...more);
}

function objectsIn(yaml: string): KubernetesObject[] {
  return parseAllDocuments(yaml, { merge: true })
    .map((document) => document.toJS() as unknown)
    .filter((value) => value !== null)
    .map((value) => kubernetesObject.parse(value));
}

async function objectsOf(values: object): Promise<KubernetesObject[]> {
  return objectsIn(await render(values));
}

function theOne(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.filter((each) => each.kind === kind && each.metadata.name === name);
  if (found[0] === undefined || found.length > 1) throw new Error(`${found.length} of ${kind} ${name}`);
  return found[0];
}

/** Checks each object against Kubernetes' own schema, which allows no unknown field. */
async function validate(yaml: string, version: string): Promise<string> {
  const child = spawn(checker, ['--strict', '-k', version, '-'], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(yaml);
  const [said, complaints] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return said + complaints;
}

test.each(names)('helm lint finds no fault: %s', async (name) => {
  const file = join(folder, 'lint.yaml');
  await writeFile(file, stringify(installations[name]));
  expect(await helm?.('lint', '--strict', '--kube-version=1.30.0', CHART, `--values=${file}`)).toContain(
    '0 chart(s) failed',
  );
});

test.each(names)('Kubernetes accepts what is rendered: %s', async (name) => {
  const yaml = await render(installations[name]);
  const objects = objectsIn(yaml);
  for (const version of name === 'all of it' ? ['1.25', '1.37'] : ['1.37']) {
    const said = (await validate(yaml, version)).trim().split('\n');
    // This object belongs to the Prometheus Operator, not to Kubernetes.
    const others = said.filter(
      (line) => !/^INFO .* passed for resource /.test(line) && !line.includes('ServiceMonitor'),
    );
    expect(others).toEqual([]);
    expect(said.filter((line) => line.startsWith('INFO')).length).toBe(
      objects.filter(({ kind }) => kind !== 'ServiceMonitor').length,
    );
  }
});

test('an unknown field would be found', async () => {
  const yaml = (await render(installations['all of it'])).replace(
    'readOnlyRootFilesystem',
    'readOnlyRootFileSystem',
  );
  expect(await validate(yaml, '1.37')).toContain('readOnlyRootFileSystem');
});

test.each(names)(
  'the bot can read its settings and its secrets as the chart gives them: %s',
  async (name) => {
    const objects = await objectsOf(installations[name]);
    const mounted = join(folder, 'secrets');
    await mkdir(mounted, { recursive: true });
    for (const [key, value] of Object.entries(theOne(objects, 'Secret', 'sparkthread').data ?? {}))
      await writeFile(join(mounted, key), Buffer.from(value, 'base64'));
    const env = Object.fromEntries(
      theOne(objects, 'Deployment', 'sparkthread').containers.flatMap((container) =>
        container.env.map((each) => [
          each.name,
          each.value
            ?.replace('/run/secrets/sparkthread', mounted)
            .replace('/etc/sparkthread/ca/ca.pem', certificate),
        ]),
      ),
    );
    expect(Object.keys(env).filter((setting) => /TOKEN$|SECRET$|STORE_URL$|PASS$/.test(setting))).toEqual([]);
    const config = readConfig(env);
    expect(config.warnings).toEqual([]);
    expect(config.store.kind).toBe('redis');
    if (name !== 'all of it') return;
    const address = new URL(await readFile(join(mounted, 'STORE_URL'), 'utf8'));
    expect(address.host).toBe('sparkthread-redis:6379');
    expect(decodeURIComponent(address.password)).toBe('p/w d@1');
  },
);

test.each(names)(
  'no container is root, writes to its root file system or can gain privileges: %s',
  async (name) => {
    const workloads = (await objectsOf(installations[name])).filter(
      ({ containers }) => containers.length > 0,
    );
    expect(workloads.length).toBeGreaterThan(0);
    for (const { podSecurity, containers, metadata } of workloads) {
      expect(podSecurity).toMatchObject({ runAsNonRoot: true, runAsUser: expect.any(Number) });
      for (const { securityContext } of containers) {
        expect(securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        });
        if (!metadata.name.endsWith('enterprise-gateway'))
          expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true });
      }
    }
  },
);

test('probes ask for liveness and readiness, never for Slack or the gateway', async () => {
  const bot = theOne(await objectsOf(installations['all of it']), 'Deployment', 'sparkthread').containers[0];
  expect(bot?.livenessProbe?.httpGet?.path).toBe('/healthz');
  expect(bot?.readinessProbe?.httpGet?.path).toBe('/readyz');
  // The bot needs up to 0.8 s to answer /readyz.
  expect(bot?.readinessProbe?.timeoutSeconds).toBeGreaterThan(1);
});

test('only the bot reaches Redis, and kernels live in a namespace without secrets', async () => {
  const objects = await objectsOf(installations['all of it']);
  const bot = {
    'app.kubernetes.io/name': 'sparkthread',
    'app.kubernetes.io/instance': 'sparkthread',
    'app.kubernetes.io/component': 'bot',
  };
  expect(theOne(objects, 'NetworkPolicy', 'sparkthread-redis').spec).toMatchObject({
    podSelector: { matchLabels: { 'app.kubernetes.io/component': 'redis' } },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [{ podSelector: { matchLabels: bot } }] }],
    egress: [],
  });
  const kernels = theOne(objects, 'NetworkPolicy', 'kernels');
  expect(kernels.metadata.namespace).toBe('sparkthread-kernels');
  expect(kernels.spec).toMatchObject({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
  const inside = objects
    .filter(({ metadata }) => metadata.namespace === 'sparkthread-kernels')
    .map(({ kind }) => kind);
  expect(new Set(inside)).toEqual(new Set(['ServiceAccount', 'Role', 'RoleBinding', 'NetworkPolicy']));
  expect(objects.filter(({ kind }) => kind.startsWith('Cluster'))).toEqual([]);
  expect(JSON.stringify(objects.filter(({ kind }) => kind === 'Role'))).not.toContain('secrets');
});

test('signed HTTP goes to the pod that answers /leader with 200, by a service that includes pods that are not ready', async () => {
  const objects = await objectsOf(installations['signed HTTP']);
  const config = theOne(objects, 'ConfigMap', 'sparkthread-front').data?.['haproxy.cfg'];
  expect(config).toMatch(/httpchk GET \/leader\n.*expect status 200/);
  expect(config).toContain(' sparkthread-pods.sparkthread.svc.cluster.local:3000\n');
  expect(theOne(objects, 'Service', 'sparkthread-pods').spec).toMatchObject({
    publishNotReadyAddresses: true,
  });
});

test('of two processes only one may be evicted at a time, and their metrics are scraped', async () => {
  const objects = await objectsOf(installations['all of it']);
  const { spec, template } = theOne(objects, 'Deployment', 'sparkthread');
  expect(spec).toMatchObject({ replicas: 2, strategy: { rollingUpdate: { maxUnavailable: 0 } } });
  const budget = theOne(objects, 'PodDisruptionBudget', 'sparkthread').spec;
  expect(budget).toMatchObject({
    maxUnavailable: 1,
    selector: { matchLabels: { 'app.kubernetes.io/component': 'bot' } },
  });
  const monitor = theOne(objects, 'ServiceMonitor', 'sparkthread').spec;
  expect(monitor).toMatchObject({ endpoints: [{ port: 'metrics', path: '/metrics', interval: '30s' }] });
  const selected = z.object({ selector: z.object({ matchLabels: z.record(z.string(), z.string()) }) });
  expect(template?.metadata.labels).toMatchObject(selected.parse(budget).selector.matchLabels);
  expect(theOne(objects, 'Service', 'sparkthread-pods').metadata.labels).toMatchObject(
    selected.parse(monitor).selector.matchLabels,
  );
  expect(
    objects
      .filter(({ kind }) => kind === 'PersistentVolumeClaim')
      .map(({ spec: claim }) => claim?.['accessModes']),
  ).toEqual([['ReadWriteMany']]);
});

const withPassword = installations['all of it'].secrets;

test.each([
  ['a mistyped setting', { config: { KG_ULR: 'http://a/' } }, /KG_ULR/],
  ['a secret among the settings', { config: { SLACK_BOT_TOKEN: 'xoxb-1' } }, /SLACK_BOT_TOKEN/],
  ['what the chart decides itself', { config: { PORT: '80' } }, /PORT/],
  ['no gateway', { secrets: withPassword }, /config\.KG_URL is missing/],
  ['no password', { config: { KG_URL: 'http://a/' } }, /REDIS_PASSWORD is missing/],
  [
    'kernels beside the secrets',
    { 'enterprise-gateway': { enabled: true, kernels: { namespace: 'sparkthread' } } },
    /mount the bot's secrets/,
  ],
  [
    'signed HTTP with an app token',
    { config: { KG_URL: 'http://a/' }, slackHttp: { enabled: true }, secrets: withPassword },
    /SLACK_SIGNING_SECRET/,
  ],
  [
    'a token in the Secret and in a file of its own',
    { config: { KG_URL: 'http://a/', KG_AUTH_TOKEN_FILE: '/var/run/token' }, secrets: withPassword },
    /config\.KG_AUTH_TOKEN_FILE .* take KG_AUTH_TOKEN out of secrets\.names/,
  ],
])('%s is refused before anything is installed', async (_, values, sentence) => {
  await expect(render(values)).rejects.toThrow(sentence);
});

test('deploy/kubernetes is what `npm run manifests` writes', async () => {
  if (helm === undefined) throw new Error('no Helm');
  const stored = await readFile(new URL('../../deploy/kubernetes/sparkthread.yaml', import.meta.url), 'utf8');
  expect(stored).toBe(await plainManifests(helm));
  const objects = objectsIn(stored);
  expect(objects.map(({ kind }) => kind)).not.toContain('Secret');
  // `kubectl apply` takes objects of two namespaces only if each one names its own.
  const homeless = objects.filter(
    ({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace === undefined,
  );
  expect(homeless.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([]);
});
