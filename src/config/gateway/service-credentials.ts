import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseJson, rootUrl, text } from '../parsers.ts';
import type { ConfigIssues } from '../setting.ts';

/** The part of an IBM Analytics Engine service credentials JSON that says where the notebook gateway is. */
const credentialsSchema = z.object({
  cluster: z.object({
    user: text.optional(),
    password: text.optional(),
    service_endpoints: z.object({
      notebook_gateway: rootUrl(['http:', 'https:']),
      notebook_gateway_websocket: rootUrl(['ws:', 'wss:']).optional(),
    }),
  }),
});

export interface ServiceCredentials {
  httpUrl: string;
  wsUrl: string | undefined;
  user: string | undefined;
  pass: string | undefined;
}

/** Undefined, with the reason among the problems, when the file at `path` is not such a JSON. */
export function readServiceCredentials(path: string, issues: ConfigIssues): ServiceCredentials | undefined {
  const content = readSettingFile('KG_SERVICE_CREDENTIALS', path, issues);
  if (content === undefined) return undefined;
  const json = parseJson(content);
  if (json === undefined) {
    issues.problems.push(`KG_SERVICE_CREDENTIALS: ${path} is not JSON.`);
    return undefined;
  }
  const read = credentialsSchema.safeParse(json);
  if (!read.success) {
    for (const issue of read.error.issues) {
      const complaint = issue.code === 'custom' ? issue.message : 'is missing or no text';
      issues.problems.push(`KG_SERVICE_CREDENTIALS: in ${path}, ${issue.path.join('.')} ${complaint}.`);
    }
    return undefined;
  }
  const { user, password, service_endpoints: endpoints } = read.data.cluster;
  return {
    httpUrl: endpoints.notebook_gateway,
    wsUrl: endpoints.notebook_gateway_websocket,
    user,
    pass: password,
  };
}

/** The text of the file that setting `name` points to; undefined, with the reason added, when there is none. */
export function readSettingFile(name: string, path: string, issues: ConfigIssues): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    issues.problems.push(`${name}: the file ${path} cannot be read (${reason}).`);
    return undefined;
  }
}
