import type { GatewaySettings } from '../gateway/gateway.ts';
import type { SettingValues } from './settings.ts';

/** A shorter header value is a word like `https`, which ordinary log lines contain too. */
const MIN_HEADER_LENGTH = 6;

/** A shorter part of a URL is a word like `services`. */
const MIN_TOKEN_LENGTH = 16;

/** Everything that the log has to hide, in each form. The log itself adds the percent-encoded form. */
export function listSecrets(values: SettingValues, gateway: GatewaySettings): string[] {
  const { user, pass, token, headers, tls } = gateway;
  const basic = user !== undefined && pass !== undefined ? `${user}:${pass}` : undefined;
  const store = values.STORE_URL;
  const found = [
    values.SLACK_BOT_TOKEN,
    values.SLACK_APP_TOKEN,
    values.SLACK_SIGNING_SECRET,
    pass,
    basic === undefined ? undefined : Buffer.from(basic).toString('base64'),
    token,
    values.JUPYTERHUB_API_TOKEN,
    ...Object.values(headers).flatMap(headerSecrets),
    tls.key,
    ...auditSecrets(values.AUDIT),
    tls.passphrase,
    ...(store.kind === 'redis' && store.password !== '' ? [store.password, new URL(store.url).password] : []),
    ...userSecrets(values.HTTPS_PROXY),
    ...userSecrets(values.SPARK_STATUS_URL),
    // If a setting is given under two names, the unused value is a secret too.
    values.KG_HTTP_PASS,
    values.JUPYTER_GATEWAY_HTTP_PWD,
    values.JUPYTER_GATEWAY_AUTH_TOKEN,
    ...Object.values(values.JUPYTER_GATEWAY_HEADERS ?? {}).flatMap(headerSecrets),
  ];
  return [...new Set(found.filter((secret) => secret !== undefined))];
}

/** The password of a URL, also in the form in which it is sent. */
function userSecrets(address: string | undefined): string[] {
  const { username, password } = new URL(address ?? 'http://none');
  if (username === '' && password === '') return [];
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  const basic = Buffer.from(`${user}:${pass}`).toString('base64');
  return password === '' ? [basic] : [pass, password, basic];
}

/** The URL may contain a password, or a token anywhere after its host. */
function auditSecrets(target: SettingValues['AUDIT']): string[] {
  if (target.kind !== 'url') return [];
  const { href, pathname, search, searchParams } = target.url;
  const parts = [...pathname.split('/'), ...searchParams.values()];
  const tokens = parts.filter((part) => part.length >= MIN_TOKEN_LENGTH);
  return [...userSecrets(href), ...tokens, ...(search === '' ? [] : [search])];
}

/** Of `Bearer abcdef`, both the whole value and the part after the scheme. */
function headerSecrets(value: string): string[] {
  return [value, value.slice(value.indexOf(' ') + 1)].filter((form) => form.length >= MIN_HEADER_LENGTH);
}
