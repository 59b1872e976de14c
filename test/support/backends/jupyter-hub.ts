import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, kernelPorts, startJupyterApp } from '../../../demo/jupyter-app.ts';
import type { Backends } from './provision-backends.ts';

/** A JupyterHub whose user `ana` has a server, which is stopped. */
export interface JupyterHub extends AsyncDisposable {
  /** Settings of the bot. */
  environment: {
    JUPYTERHUB_API_URL: string;
    JUPYTERHUB_API_TOKEN: string;
    JUPYTERHUB_USER: string;
  };
  /** Where the server is when it runs. */
  serverUrl: string;
  isRunning(): Promise<boolean>;
  /** Stops the server, as a culler does. */
  stopServer(): Promise<void>;
  log: () => string;
}

const proxy = fileURLToPath(
  new URL('../../../node_modules/configurable-http-proxy/bin/configurable-http-proxy', import.meta.url),
);

/** JupyterHub with its own proxy, a spawner of local processes and an authenticator that accepts everybody. */
export async function startJupyterHub(backends: Backends): Promise<JupyterHub> {
  const token = randomBytes(24).toString('hex');
  const [hubPort, proxyPort, serverPort] = [await freePort(), await freePort(), await freePort()];
  const homes = await mkdtemp(join(backends.cache, 'hub-'));
  const user = 'ana';
  const app = await startJupyterApp({
    venv: backends.jupyterHub,
    module: 'jupyterhub',
    traits: (port) => ({
      JupyterHub: {
        bind_url: `http://127.0.0.1:${port}`,
        hub_ip: '127.0.0.1',
        hub_port: hubPort,
        authenticator_class: 'dummy',
        spawner_class: 'simple',
        db_url: 'sqlite:///:memory:',
        services: [{ name: 'sparkthread', api_token: token }],
        load_roles: [
          {
            name: 'sparkthread',
            services: ['sparkthread'],
            scopes: [`read:users!user=${user}`, `servers!user=${user}`, `access:servers!user=${user}`],
          },
        ],
      },
      Authenticator: { allowed_users: [user] },
      ConfigurableHTTPProxy: {
        api_url: `http://127.0.0.1:${proxyPort}`,
        command: [process.execPath, proxy],
      },
      Spawner: {
        cmd: [join(backends.jupyterHub.bin, 'jupyterhub-singleuser')],
        // The hub's own choice, which any connection of this machine may take while the server is stopped.
        port: serverPort,
        args: ['--allow-root', `--config=${kernelPorts}`],
        environment: { JUPYTERHUB_SINGLEUSER_APP: 'jupyter_server.serverapp.ServerApp' },
      },
      SimpleLocalProcessSpawner: {
        home_dir_template: join(homes, '{username}'),
        // A Jupyter Server asks for confirmation at the first SIGINT.
        interrupt_timeout: 1,
      },
    }),
    readyLine: /JupyterHub is now running/,
    kernelspecsFolder: backends.kernelspecsFolder,
    cache: backends.cache,
    environment: process.env,
  });
  const root = `http://127.0.0.1:${app.port}/`;
  const call = (method: string, path: string) =>
    fetch(new URL(`hub/api/${path}`, root), { method, headers: { authorization: `token ${token}` } });
  const isRunning = async (): Promise<boolean> => {
    const answer = await call('GET', `users/${user}`);
    return JSON.stringify(await answer.json()).includes('"ready":true');
  };
  return {
    environment: {
      JUPYTERHUB_API_URL: `${root}hub/api`,
      JUPYTERHUB_API_TOKEN: token,
      JUPYTERHUB_USER: user,
    },
    serverUrl: `${root}user/${user}/`,
    isRunning,
    async stopServer() {
      const answer = await call('DELETE', `users/${user}/server`);
      if (answer.status !== 204) throw new Error(`the hub answers ${answer.status} to a stop`);
    },
    log: app.log,
    async [Symbol.asyncDispose]() {
      await app.stop();
      await rm(homes, { recursive: true });
    },
  };
}
