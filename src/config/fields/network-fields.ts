import { optional } from '../setting.ts';
import { proxyUrl, text } from '../parsers.ts';

export const networkFields = {
  HTTPS_PROXY: optional(proxyUrl, {
    secret: true,
    example: 'http://proxy.example.com:3128',
    description:
      'The proxy on the way to Slack, to the gateway, to SPARK_STATUS_URL and to AUDIT, where these are https or wss; a user and a password may stand before the host. It has to let CONNECT through. https_proxy is read too.',
  }),
  NO_PROXY: optional(text, {
    example: '.cluster.example.com,10.0.0.0/8',
    description:
      'What is reached without the proxy: names with all below them, addresses, subnets, each with :port or without, or *. no_proxy is read too.',
  }),
};
