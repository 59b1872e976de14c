const secrets = { SLACK_BOT_TOKEN: 'xoxb-1-2-abc', KG_AUTH_TOKEN: 'a-token' };
const socketMode = { ...secrets, SLACK_APP_TOKEN: 'xapp-1-A1-2-abc' };

/** Values with which people install the chart. */
export const installations = {
  'all of it': {
    secrets: { values: { ...socketMode, REDIS_PASSWORD: 'p/w d@1' } },
    'enterprise-gateway': { enabled: true, kernelspecsImage: 'example.com/kernelspecs:1' },
    config: { MAX_OUTPUT: 100_000_000, ALLOW_GUESTS: true, KERNEL_ENV: '{"KERNEL_QUEUE":"adhoc"}' },
    metrics: { serviceMonitor: { enabled: true, labels: { release: 'prometheus' } } },
    spool: { storageClass: 'nfs' },
    podLabels: { team: 'data' },
    podAnnotations: { note: 'a' },
    tolerations: [{ key: 'a', operator: 'Exists' }],
    global: { imagePullSecrets: [{ name: 'registry' }] },
    serviceAccount: { annotations: { 'example.com/role': 'a' } },
  },
  'a gateway and a Redis that are there': {
    secrets: { values: { ...socketMode, STORE_URL: 'redis://:secret@redis.example.com:6379' } },
    redis: { enabled: false },
    config: { KG_URL: 'https://gateway.example.com/', KG_CLIENT_CA: '/etc/sparkthread/ca/ca.pem' },
    extraVolumes: [{ name: 'ca', configMap: { name: 'ca' } }],
    extraVolumeMounts: [{ name: 'ca', mountPath: '/etc/sparkthread/ca' }],
    extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/etc/sparkthread/ca/ca.pem' }],
    metrics: { enabled: false },
    replicas: 1,
  },
  'signed HTTP': {
    secrets: {
      names: ['SLACK_BOT_TOKEN', 'SLACK_SIGNING_SECRET', 'STORE_URL', 'KG_AUTH_TOKEN'],
      values: { ...secrets, SLACK_SIGNING_SECRET: '8f742231b10e8888abcd99yyyzzz85a5', REDIS_PASSWORD: 'pw' },
    },
    config: { KG_URL: 'http://gateway.example.com:8888/' },
    slackHttp: { enabled: true, ingress: { enabled: true, host: 'bot.example.com', tlsSecret: 'tls' } },
  },
};
