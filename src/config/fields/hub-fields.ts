import { optional } from '../setting.ts';
import { headerText, matching, rootUrl } from '../parsers.ts';

export const hubFields = {
  JUPYTERHUB_API_URL: optional(rootUrl(['http:', 'https:']), {
    example: 'https://hub.example.com/hub/api/',
    description:
      'The API of a JupyterHub, where the gateway is the server of one of its users: the server is started when it is stopped. Without KG_URL the server’s address is taken from this one.',
  }),
  JUPYTERHUB_API_TOKEN: optional(headerText, {
    secret: true,
    example: 'a-hub-token',
    description:
      'A token of JupyterHub with the scopes read:users, servers and access:servers of that user. The server gets it too where it has the host of JUPYTERHUB_API_URL and nothing else is set for it.',
  }),
  JUPYTERHUB_USER: optional(matching(/^[^/\s]+$/, 'the name of a user'), {
    example: 'sparkthread',
    description: 'Whose server it is.',
  }),
  JUPYTERHUB_SERVER_NAME: optional(matching(/^[^/\s]+$/, 'the name of a server'), {
    example: 'spark',
    description: 'Which of the user’s servers. By default the one without a name.',
  }),
};
