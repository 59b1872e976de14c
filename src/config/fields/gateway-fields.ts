import type { z } from 'zod';
import {
  authScheme,
  commandLine,
  filePath,
  flag,
  headerName,
  headerText,
  jsonHeaders,
  matching,
  path,
  rootUrl,
  text,
  optional,
  settingDocs,
} from '../parsers.ts';

const CREDENTIALS = ' (they belong in KG_HTTP_USER, KG_HTTP_PASS and KG_AUTH_TOKEN)';
const http = rootUrl(['http:', 'https:'], CREDENTIALS);
const websocket = rootUrl(['ws:', 'wss:'], CREDENTIALS);

export const gatewayFields = {
  KG_URL: optional(http, {
    example: 'https://cluster.example.com:8443/gateway/default/jkg/',
    description:
      'The gateway’s root for HTTP. A path prefix and a trailing slash are allowed. Required, unless another setting gives it.',
  }),
  KG_WS_URL: optional(websocket, {
    example: 'wss://cluster.example.com:8443/gateway/default/jkgws/',
    description: 'The gateway’s root for websockets. By default KG_URL with ws in place of http.',
  }),
  KG_HTTP_USER: optional(text, {
    example: 'clsadmin',
    description: 'The user for HTTP Basic authentication.',
  }),
  KG_HTTP_PASS: optional(text, {
    secret: true,
    example: 'a-password',
    description: 'The password for HTTP Basic authentication.',
  }),
  KG_AUTH_TOKEN: optional(headerText, {
    secret: true,
    example: 'a-token',
    description:
      'The gateway’s token. Beside a user and a password it goes into the query, because both want one header.',
  }),
  KG_AUTH_COMMAND: optional(commandLine, {
    secret: true,
    example: 'gcloud config config-helper --format=json',
    description:
      'A program that prints the gateway’s token, for tokens that expire: the token alone, or JSON with token, headers and expiresAt (the forms of gcloud, AWS and OAuth too). It is run without a shell, for at most 30 s, before the token expires and when the gateway refuses it. The program and its arguments can also be a JSON array.',
  }),
  KG_AUTH_TOKEN_FILE: optional(filePath, {
    example: '/var/run/secrets/gateway/token',
    description:
      'The path of a file with the gateway’s token, in the same forms. It is read again when it changes.',
  }),
  KG_AUTH_SCHEME: optional(authScheme, {
    default: 'token',
    example: 'Bearer',
    description: 'The word before the token. none: no word.',
  }),
  KG_AUTH_HEADER: optional(headerName, {
    default: 'Authorization',
    example: 'X-Token',
    description: 'The header that carries the token.',
  }),
  KG_HEADERS: optional(jsonHeaders, {
    secret: true,
    example: '{"X-Team":"data"}',
    description: 'Headers to send with every request to the gateway, as JSON.',
  }),
  KG_KERNELS_PATH: optional(path, {
    default: 'api/kernels',
    example: 'v4/analytics_engines/1/jkg/api/kernels',
    description: 'Where kernels are below KG_URL and KG_WS_URL.',
  }),
  KG_KERNELSPECS_PATH: optional(path, {
    default: 'api/kernelspecs',
    example: 'v4/analytics_engines/1/jkg/api/kernelspecs',
    description: 'Where kernelspecs are below KG_URL.',
  }),
  KG_CLIENT_CA: optional(filePath, {
    example: 'certs/ca.pem',
    description: 'The path of the CA certificate (PEM) that signed the gateway’s certificate.',
  }),
  KG_CLIENT_CERT: optional(filePath, {
    example: 'certs/client.pem',
    description: 'The path of a client certificate (PEM).',
  }),
  KG_CLIENT_KEY: optional(filePath, {
    example: 'certs/client.key',
    description: 'The path of the client certificate’s key (PEM).',
  }),
  KG_CLIENT_KEY_PASSPHRASE: optional(text, {
    secret: true,
    example: 'a-passphrase',
    description: 'The passphrase of the client certificate’s key, if that is encrypted.',
  }),
  VALIDATE_KG_CERT: optional(flag, {
    default: 'true',
    example: 'false',
    description:
      'Whether the gateway’s certificate is checked. Without the check, anybody on the network path can read and change everything.',
  }),
  KG_SERVICE_CREDENTIALS: optional(filePath, {
    example: 'service-credentials.json',
    description: 'The path of an IBM Analytics Engine service credentials JSON. KG_ settings override it.',
  }),
};

/** The same setting under Jupyter Server's name. */
function aliasOf<Value>(name: keyof typeof gatewayFields, field: z.ZodType<Value, string | undefined>) {
  const { example = '', ...doc } = settingDocs.get(field) ?? {};
  return field.clone().register(settingDocs, { ...doc, example, description: `As ${name}.`, aliasOf: name });
}

export const jupyterFields = {
  JUPYTER_GATEWAY_URL: aliasOf('KG_URL', gatewayFields.KG_URL),
  JUPYTER_GATEWAY_WS_URL: aliasOf('KG_WS_URL', gatewayFields.KG_WS_URL),
  JUPYTER_GATEWAY_HTTP_USER: aliasOf('KG_HTTP_USER', gatewayFields.KG_HTTP_USER),
  JUPYTER_GATEWAY_HTTP_PWD: aliasOf('KG_HTTP_PASS', gatewayFields.KG_HTTP_PASS),
  JUPYTER_GATEWAY_AUTH_TOKEN: aliasOf('KG_AUTH_TOKEN', gatewayFields.KG_AUTH_TOKEN),
  JUPYTER_GATEWAY_AUTH_SCHEME: aliasOf('KG_AUTH_SCHEME', gatewayFields.KG_AUTH_SCHEME),
  JUPYTER_GATEWAY_AUTH_HEADER_KEY: aliasOf('KG_AUTH_HEADER', gatewayFields.KG_AUTH_HEADER),
  JUPYTER_GATEWAY_HEADERS: aliasOf('KG_HEADERS', gatewayFields.KG_HEADERS),
  JUPYTER_GATEWAY_CA_CERTS: aliasOf('KG_CLIENT_CA', gatewayFields.KG_CLIENT_CA),
  JUPYTER_GATEWAY_CLIENT_CERT: aliasOf('KG_CLIENT_CERT', gatewayFields.KG_CLIENT_CERT),
  JUPYTER_GATEWAY_CLIENT_KEY: aliasOf('KG_CLIENT_KEY', gatewayFields.KG_CLIENT_KEY),
  JUPYTER_GATEWAY_VALIDATE_CERT: aliasOf('VALIDATE_KG_CERT', gatewayFields.VALIDATE_KG_CERT),
};

export const hubFields = {
  JUPYTERHUB_API_URL: optional(rootUrl(['http:', 'https:']), {
    example: 'https://hub.example.com/hub/api/',
    description:
      'The API of a JupyterHub, if the gateway is the server of one of its users. A stopped server is started. Without KG_URL the server’s address is derived from this one.',
  }),
  JUPYTERHUB_API_TOKEN: optional(headerText, {
    secret: true,
    example: 'a-hub-token',
    description:
      'A token of JupyterHub with the scopes read:users, servers and access:servers of that user. It is sent to the server too, if the server has the host of JUPYTERHUB_API_URL and no other credentials are set.',
  }),
  JUPYTERHUB_USER: optional(matching(/^[^/\s]+$/, 'the name of a user'), {
    example: 'sparkthread',
    description: 'The user whose server it is.',
  }),
  JUPYTERHUB_SERVER_NAME: optional(matching(/^[^/\s]+$/, 'the name of a server'), {
    example: 'spark',
    description: 'The name of the user’s server. By default the server without a name.',
  }),
};
