import { settings } from '../src/config/settings.ts';

type Schema = Readonly<Record<string, unknown>>;

const text = (description: string): Schema => ({ type: 'string', description });
const flag = (description: string): Schema => ({ type: 'boolean', description });
const count = (minimum: number, description: string): Schema => ({ type: 'integer', minimum, description });
const list = (description: string, items: Schema = { type: 'object' }): Schema => ({
  type: 'array',
  items,
  description,
});
const free = (description: string): Schema => ({ type: 'object', description });
const group = (properties: Schema): Schema => ({ type: 'object', additionalProperties: false, properties });

/** Settings that the chart sets itself, because its ports, probes and volumes depend on them. */
const OF_THE_CHART = ['HOST', 'PORT', 'METRICS', 'SPOOL_DIR'];
const secretNames = settings.filter(({ secret }) => secret === true).map(({ name }) => name);

/** A setting in a values file: a text, or what YAML reads as a number or a boolean. */
const config = group(
  Object.fromEntries(
    settings
      .filter(({ name, secret }) => secret !== true && !OF_THE_CHART.includes(name))
      .map(({ name, description }) => [name, { type: ['string', 'boolean', 'integer'], description }]),
  ),
);

const values = group({
  global: {
    ...group({
      existingSecret: text('The Secret whose keys are names of settings. Empty: the chart makes one.'),
      imagePullSecrets: list('As in a pod'),
    }),
    additionalProperties: true,
  },
  replicas: count(1, 'One is active, the others are hot standbys.'),
  image: group({
    repository: { ...text('Without tag'), minLength: 1 },
    tag: text('Empty: the version of the chart’s app'),
    digest: { ...text('sha256:…; wins over the tag'), pattern: '^(sha256:[0-9a-f]{64})?$' },
    pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
  }),
  config,
  secrets: group({
    names: list('Which settings are read from files of the Secret', { enum: secretNames }),
    values: group({
      ...Object.fromEntries(secretNames.map((name) => [name, text(`${name}, where no Secret is there`)])),
      REDIS_PASSWORD: text('For the Redis of this chart'),
    }),
  }),
  slackHttp: group({
    enabled: flag('Signed HTTP in place of Socket Mode'),
    front: group({
      image: { ...text('HAProxy 2.6 or newer'), minLength: 1 },
      replicas: count(1, 'Of the front'),
      resources: free('As in a container'),
    }),
    ingress: group({
      enabled: flag('An Ingress for /slack/events'),
      className: text('Empty: the cluster’s default'),
      annotations: free('Of the Ingress'),
      host: text('The name that Slack posts to'),
      tlsSecret: text('The Secret with its certificate'),
    }),
  }),
  spool: group({
    size: text('Of the folder for output'),
    existingClaim: text('A ReadWriteMany claim that is there'),
    storageClass: text('For a new ReadWriteMany claim'),
  }),
  metrics: group({
    enabled: flag('Serve Prometheus metrics'),
    port: count(1, 'Of the metrics'),
    serviceMonitor: group({
      enabled: flag('For the Prometheus Operator'),
      interval: text('Between two readings'),
      labels: free('That your Prometheus selects by'),
    }),
  }),
  networkPolicy: group({
    enabled: flag('Only who has to reaches the bot'),
    metricsFrom: list('Who reads the metrics, as NetworkPolicy peers'),
    ingressFrom: list('Who reaches the front of signed HTTP, as NetworkPolicy peers'),
  }),
  podDisruptionBudget: group({ enabled: flag('At most one process is taken at a time') }),
  clusterDomain: { ...text('Of the cluster’s DNS'), minLength: 1 },
  extraVolumes: list('As in a pod'),
  extraVolumeMounts: list('As in a container'),
  extraEnv: list('As in a container, beside the settings'),
  serviceAccount: group({ annotations: free('For example of a cloud identity') }),
  podAnnotations: free('Of the bot’s pods'),
  podLabels: free('Of the bot’s pods'),
  nodeSelector: free('Of the bot’s pods'),
  tolerations: list('Of the bot’s pods'),
  affinity: free('Empty: the replicas keep away from each other’s node'),
  priorityClassName: text('Of the bot’s pods'),
  resources: free('As in a container'),
  redis: free('charts/redis'),
  'enterprise-gateway': free('charts/enterprise-gateway'),
});

/** The chart's `values.schema.json`. It refuses values that the templates do not read, and unknown settings. */
export function chartSchema(): string {
  return `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...values }, null, 2)}\n`;
}
