import type { GatewaySettings } from '../gateway/gateway.ts';
import type { SettingValues } from './settings.ts';

/** A header's value shorter than this is a word like `https` that occurs in honest lines too. */
const LEAST_HEADER_CHARACTERS = 6;

/** A part of an address shorter than this is a word like `services`. */
const LEAST_TOKEN_CHARACTERS = 16;

/** Everything a log has to hide, in each form it may turn up in; the form that a URL needs is the log's to add. */
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
    // Given under two names, only one is used: the other is a secret all the same.
    values.KG_HTTP_PASS,
    values.JUPYTER_GATEWAY_HTTP_PWD,
    values.JUPYTER_GATEWAY_AUTH_TOKEN,
    ...Object.values(values.JUPYTER_GATEWAY_HEADERS ?? {}).flatMap(headerSecrets),
  ];
  return [...new Set(found.filter((secret) => secret !== undefined))];
}

/** An address's password, as it is sent too. */
function userSecrets(address: string | undefined): string[] {
  const { username, password } = new URL(address ?? 'http://none');
  if (username === '' && password === '') return [];
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  const basic = Buffer.from(`${user}:${pass}`).toString('base64');
  return password === '' ? [basic] : [pass, password, basic];
}

/** The address may hold a password, or a token anywhere behind its host. */
function auditSecrets(target: SettingValues['AUDIT']): string[] {
  if (target.kind !== 'url') return [];
  const { href, pathname, search, searchParams } = target.url;
  const parts = [...pathname.split('/'), ...searchParams.values()];
  const tokens = parts.filter((part) => part.length >= LEAST_TOKEN_CHARACTERS);
  return [...userSecrets(href), ...tokens, ...(search === '' ? [] : [search])];
}

/** `Bearer abcdef` hides both the whole and what follows the scheme. */
function headerSecrets(value: string): string[] {
  return [value, value.slice(value.indexOf(' ') + 1)].filter(
    (form) => form.length >= LEAST_HEADER_CHARACTERS,
  );
}
