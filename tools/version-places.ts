import { readFileSync } from 'node:fs';
import packageJson from '../package.json' with { type: 'json' };

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

/** The Dockerfile with the version of this project in its label, and on the Node that the tests run on. */
export function dockerfile(): string {
  return read('Dockerfile')
    .replace(/^ARG VERSION=.*/m, `ARG VERSION=${packageJson.version}`)
    .replace(/^(ARG BASE=node:)[\d.]+/m, `$1${packageJson.devDependencies.node}`);
}

/** The chart, whose version is this project's. */
export function chartYaml(): string {
  return read('deploy/helm/sparkthread/Chart.yaml').replace(
    /^(version|appVersion): .*/gm,
    `$1: ${packageJson.version}`,
  );
}
