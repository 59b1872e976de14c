import type { GatewaySettings } from '../gateway/gateway.ts';
import type { SettingValues } from './schema.ts';

/** A header's value shorter than this is a word like `https` that occurs in honest lines too. */
const LEAST_HEADER_CHARACTERS = 6;

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
    ...Object.values(headers).flatMap(headerSecrets),
    tls.key,
    tls.passphrase,
    ...(store.kind === 'redis' && store.password !== undefined
      ? [store.password, new URL(store.address).password]
      : []),
    // Given under two names, only one is used: the other is a secret all the same.
    values.KG_HTTP_PASS,
    values.JUPYTER_GATEWAY_HTTP_PWD,
    values.JUPYTER_GATEWAY_AUTH_TOKEN,
    ...Object.values(values.JUPYTER_GATEWAY_HEADERS ?? {}).flatMap(headerSecrets),
  ];
  return [...new Set(found.filter((secret) => secret !== undefined))];
}

/** `Bearer abcdef` hides both the whole and what follows the scheme. */
function headerSecrets(value: string): string[] {
  return [value, value.slice(value.indexOf(' ') + 1)].filter(
    (form) => form.length >= LEAST_HEADER_CHARACTERS,
  );
}
