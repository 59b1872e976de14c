import type { HubSettings } from '../../gateway/settings.ts';
import { proxyFor, type ProxySettings } from '../../proxy.ts';
import type { SettingValues } from '../schema.ts';
import type { ConfigIssues } from '../setting.ts';

/** Undefined where JupyterHub is no matter here, or a part is missing, which is told. */
export function readHubSettings(
  values: SettingValues,
  proxy: ProxySettings | undefined,
  { problems, unread }: ConfigIssues,
): HubSettings | undefined {
  const { JUPYTERHUB_API_URL: apiUrl, JUPYTERHUB_API_TOKEN: token, JUPYTERHUB_USER: user } = values;
  if (apiUrl === undefined) return undefined;
  for (const name of ['JUPYTERHUB_API_TOKEN', 'JUPYTERHUB_USER'] as const)
    if (values[name] === undefined && !unread.has(name))
      problems.push(`${name} is missing: JUPYTERHUB_API_URL needs it.`);
  if (token === undefined || user === undefined) return undefined;
  return {
    apiUrl,
    token,
    user,
    server: values.JUPYTERHUB_SERVER_NAME ?? '',
    proxy: proxyFor(apiUrl, proxy),
  };
}

/** Where the hub's proxy has the server: beside `hub/api/`. */
export function serverUrl({ apiUrl, user, server }: HubSettings): string {
  const root = apiUrl.replace(/hub\/api\/$/, '');
  const path = [user, server].filter((part) => part !== '').map(escapePart);
  return `${root}user/${path.join('/')}/`;
}

/** As JupyterHub writes it: `ana@example.com` stays. */
function escapePart(part: string): string {
  return encodeURIComponent(part).replaceAll('%40', '@');
}

/** The hub's token is for the hub's own servers, and goes to no other host. */
export function isOfHub(url: string, { apiUrl }: HubSettings): boolean {
  return new URL(url).hostname === new URL(apiUrl).hostname;
}
