import { z } from 'zod';

const probe = z.object({
  httpGet: z.object({ path: z.string() }).optional(),
  timeoutSeconds: z.number().optional(),
});

const container = z.object({
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })).default([]),
  securityContext: z.unknown(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
});

const metadata = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  labels: z.record(z.string(), z.string()).default({}),
});

const template = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()) }),
  spec: z.object({
    securityContext: z.unknown(),
    initContainers: z.array(container).default([]),
    containers: z.array(container),
  }),
});

/** The part of a Kubernetes object that the tests read. */
export const kubernetesObject = z
  .object({
    apiVersion: z.string(),
    kind: z.string(),
    metadata,
    spec: z.record(z.string(), z.unknown()).optional(),
    data: z.record(z.string(), z.string()).optional(),
  })
  .transform((object) => {
    const pods = template.optional().parse(object.spec?.['template']);
    return {
      ...object,
      template: pods,
      podSecurity: pods?.spec.securityContext,
      containers: pods === undefined ? [] : [...pods.spec.initContainers, ...pods.spec.containers],
    };
  });

export type KubernetesObject = z.output<typeof kubernetesObject>;
