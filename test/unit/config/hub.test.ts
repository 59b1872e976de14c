import { expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { ConfigError } from '../../../src/errors.ts';

const slack = { SLACK_BOT_TOKEN: 'xoxb-bot-token', SLACK_APP_TOKEN: 'xapp-app-token' };
const hub = {
  JUPYTERHUB_API_URL: 'https://hub.corp/team/hub/api',
  JUPYTERHUB_API_TOKEN: 'hub-token',
  JUPYTERHUB_USER: 'ana@corp.example',
};

test('the server’s address and its token come from the hub’s', () => {
  const { gateway, secrets } = readConfig({ ...slack, ...hub });
  expect(gateway).toMatchObject({
    httpUrl: 'https://hub.corp/team/user/ana@corp.example/',
    wsUrl: 'wss://hub.corp/team/user/ana@corp.example/',
    token: 'hub-token',
    hub: {
      apiUrl: 'https://hub.corp/team/hub/api/',
      token: 'hub-token',
      user: 'ana@corp.example',
      server: '',
    },
  });
  expect(secrets).toContain('hub-token');
});

test('a server with a name, and a proxy on the way', () => {
  const { gateway } = readConfig({
    ...slack,
    ...hub,
    JUPYTERHUB_SERVER_NAME: 'spark',
    HTTPS_PROXY: 'http://proxy:3128',
  });
  expect(gateway.httpUrl).toBe('https://hub.corp/team/user/ana@corp.example/spark/');
  expect(gateway.hub).toMatchObject({ server: 'spark', proxy: 'http://proxy:3128/' });
});

test.for([
  [{ KG_URL: 'https://hub.corp/user/ana/' }, 'hub-token'],
  // Another host is a stranger to the hub's token.
  [{ KG_URL: 'https://elsewhere.corp/' }, undefined],
  [{ KG_URL: 'https://hub.corp/user/ana/', KG_WS_URL: 'wss://elsewhere.corp/' }, undefined],
  [{ KG_AUTH_TOKEN: 'own' }, 'own'],
  [{ KG_HTTP_USER: 'u', KG_HTTP_PASS: 'p' }, undefined],
  [{ KG_HEADERS: '{"Authorization":"Bearer own"}' }, undefined],
  [{ KG_AUTH_COMMAND: 'give token' }, undefined],
] as const)('with %o the server gets %s', ([env, token]) => {
  expect(readConfig({ ...slack, ...hub, ...env }).gateway.token).toBe(token);
});

test.for([
  ['JUPYTERHUB_API_TOKEN', 'JUPYTERHUB_API_TOKEN is missing: JUPYTERHUB_API_URL needs it.'],
  ['JUPYTERHUB_USER', 'JUPYTERHUB_USER is missing: JUPYTERHUB_API_URL needs it.'],
] as const)('without %s', ([name, words]) => {
  const read = () => readConfig({ ...slack, ...hub, [name]: '' });
  expect(read).toThrow(new ConfigError([words]));
});

test('a user and a token alone, which every server of a hub has, configure no hub', () => {
  const { gateway } = readConfig({ ...slack, ...hub, JUPYTERHUB_API_URL: '', KG_URL: 'http://gw/' });
  expect(gateway.hub).toBeUndefined();
  expect(gateway.token).toBeUndefined();
});
