import { writeFile } from 'node:fs/promises';
import { showProgress } from '../demo/provision/progress.ts';
import { ensureHelm, plainManifests } from './helm.ts';

const helm = await ensureHelm(process.env, showProgress(process.stderr));
if (helm === undefined)
  throw new Error('Helm is built from its source, and there is no `go` here: install Go 1.26 or newer.');
const path = 'deploy/kubernetes/sparkthread.yaml';
await writeFile(new URL(`../${path}`, import.meta.url), await plainManifests(helm));
process.stdout.write(`${path} written\n`);
