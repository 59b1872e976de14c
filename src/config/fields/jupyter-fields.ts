import { optional } from '../setting.ts';
import { http, websocket } from './gateway-fields.ts';
import { flag, headerText, jsonHeaders, text } from '../parsers.ts';

export const jupyterFields = {
  JUPYTER_GATEWAY_URL: optional(http, { example: 'https://cluster.example.com/', description: 'As KG_URL.' }),
  JUPYTER_GATEWAY_WS_URL: optional(websocket, {
    example: 'wss://cluster.example.com/',
    description: 'As KG_WS_URL.',
  }),
  JUPYTER_GATEWAY_HTTP_USER: optional(text, { example: 'clsadmin', description: 'As KG_HTTP_USER.' }),
  JUPYTER_GATEWAY_HTTP_PWD: optional(text, {
    secret: true,
    example: 'a-password',
    description: 'As KG_HTTP_PASS.',
  }),
  JUPYTER_GATEWAY_AUTH_TOKEN: optional(headerText, {
    secret: true,
    example: 'a-token',
    description: 'As KG_AUTH_TOKEN.',
  }),
  JUPYTER_GATEWAY_HEADERS: optional(jsonHeaders, {
    secret: true,
    example: '{"X-Team":"data"}',
    description: 'As KG_HEADERS.',
  }),
  JUPYTER_GATEWAY_CA_CERTS: optional(text, { example: 'certs/ca.pem', description: 'As KG_CLIENT_CA.' }),
  JUPYTER_GATEWAY_CLIENT_CERT: optional(text, {
    example: 'certs/client.pem',
    description: 'As KG_CLIENT_CERT.',
  }),
  JUPYTER_GATEWAY_CLIENT_KEY: optional(text, {
    example: 'certs/client.key',
    description: 'As KG_CLIENT_KEY.',
  }),
  JUPYTER_GATEWAY_VALIDATE_CERT: optional(flag, {
    default: 'true',
    example: 'false',
    description: 'As VALIDATE_KG_CERT.',
  }),
};
