import type { GatewayError } from '../gateway/errors.ts';

/** What an operator changes when the gateway fails by HTTP. */
export function httpRemedy({ code, status }: GatewayError): string {
  switch (code) {
    case 'unreachable':
      return status === undefined
        ? 'Check host and port in KG_URL, that the gateway runs, and that a firewall lets this machine through.'
        : 'The proxy answers and the gateway behind it does not: start the gateway.';
    case 'untrusted':
      return 'Put the certificate (PEM) of the authority that signed the gateway’s into KG_CLIENT_CA, and let KG_URL name the host that the certificate names.';
    case 'noCredentials':
      return 'Run KG_AUTH_COMMAND by hand as the bot’s user, or look at the file KG_AUTH_TOKEN_FILE.';
    case 'unauthorized':
      return 'Correct KG_HTTP_USER and KG_HTTP_PASS, or KG_AUTH_TOKEN (or KG_CLIENT_CERT, where the gateway asks for one).';
    case 'serverStopped':
      return 'Start the server in JupyterHub; with JUPYTERHUB_API_URL, JUPYTERHUB_API_TOKEN and JUPYTERHUB_USER the bot does that itself.';
    case 'badAnswer':
    case 'kernelGone':
      return 'What answers at KG_URL is no Jupyter gateway: correct the path; KG_URL is what stands before /api/kernelspecs.';
    case 'refused':
    case 'startFailed':
    case 'writesPaused':
      return status === 404
        ? 'There is no gateway at this path: correct KG_URL; it is what stands before /api/kernelspecs.'
        : 'The gateway’s log says why it refuses; its words are above.';
  }
}

/** What an operator changes when HTTP works and the websocket does not. */
export function websocketRemedy({ code, status }: GatewayError): string {
  switch (code) {
    case 'unreachable':
      return 'HTTP works and the websocket does not: check KG_WS_URL, and that every proxy on the way passes websockets (the Upgrade header).';
    case 'untrusted':
      return 'The websocket’s address has another certificate than KG_URL: add its authority to KG_CLIENT_CA.';
    case 'unauthorized':
      return 'The websocket’s address wants other credentials than KG_URL: let the proxy pass Authorization on upgrades, or correct KG_WS_URL.';
    case 'badAnswer':
    case 'noCredentials':
    case 'serverStopped':
    case 'refused':
    case 'kernelGone':
    case 'startFailed':
    case 'writesPaused':
      return status === 404 || status === 400
        ? 'KG_WS_URL does not lead to the gateway’s websockets: correct its path, and let every proxy on the way pass the Upgrade header.'
        : 'Check KG_WS_URL and the log of the proxy behind it.';
  }
}

/** What an operator changes when a kernel does not start. */
export function startRemedy({ code, status }: GatewayError): string {
  if (code === 'refused' && status === 403)
    return 'The gateway forbids it: its limit of kernels is reached, or it does not take KERNEL_USERNAME (Enterprise Gateway refuses root).';
  if (code === 'unreachable')
    return 'The gateway went away meanwhile, or its proxy gives up before KERNEL_LAUNCH_TIMEOUT.';
  if (code === 'unauthorized')
    return 'The gateway shows its kernelspecs to anybody and starts kernels only with the right KG_AUTH_TOKEN.';
  return 'The gateway’s log has the kernel’s own words. A kernel that is only slow needs a longer KERNEL_LAUNCH_TIMEOUT.';
}
