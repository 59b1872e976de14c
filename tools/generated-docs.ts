import { chartSchema } from './chart-schema.ts';
import { configurationPage } from './configuration-page.ts';
import { envExample } from './env-example.ts';
import { manifestYaml } from './manifest-yaml.ts';
import { policyPage } from './policy-page.ts';
import { textsPage } from './texts-page.ts';
import { chartYaml, dockerfile } from './version-places.ts';

/** The files that are written from the code, by their path from the root. */
export const generatedDocs: Readonly<Record<string, () => string>> = {
  '.env.example': envExample,
  Dockerfile: dockerfile,
  'deploy/helm/sparkthread/Chart.yaml': chartYaml,
  'deploy/helm/sparkthread/values.schema.json': chartSchema,
  'docs/configuration.md': configurationPage,
  'docs/policy.md': policyPage,
  'docs/texts.md': textsPage,
  'manifest.yml': manifestYaml,
};
