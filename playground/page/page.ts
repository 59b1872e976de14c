/** The web page of the playground: the shell, its live regions, files, and what people do on it. */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { Service } from '../service.ts';
import { act } from './act.ts';
import { renderRegions, type Regions, type Window } from './render-regions.ts';
import { renderShell } from './shell.ts';

const assets: Readonly<Record<string, string>> = {
  '/page/client.js': 'text/javascript; charset=utf-8',
  '/page/style.css': 'text/css; charset=utf-8',
};
/** Changes within this time are drawn at once. */
const drawDelayMs = 40;

/** Answers a request for the page; false when it is for something else. */
export async function servePage(
  service: Service,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const url = new URL(request.url ?? '/', service.origin);
  const asset = assets[url.pathname];
  if (url.pathname === '/') send(response, 'text/html; charset=utf-8', renderShell(service));
  else if (asset !== undefined)
    send(response, asset, await readFile(new URL(`..${url.pathname}`, import.meta.url)));
  else if (url.pathname === '/page/live') live(service, url.searchParams, response);
  else if (url.pathname === '/page/act') await takeAct(service, request, response);
  else if (url.pathname.startsWith('/page/files/')) giveFile(service, url.pathname, response);
  else return false;
  return true;
}

function send(response: ServerResponse, type: string, body: string | Buffer): void {
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' }).end(body);
}

/** Server-sent events: each region whose HTML changed, as `event: <region>` with the HTML as JSON. */
function live(service: Service, query: URLSearchParams, response: ServerResponse): void {
  const window = readWindow(service, query);
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  let drawn: Partial<Regions> = {};
  let isPlanned = false;
  const draw = () => {
    isPlanned = false;
    if (response.destroyed) return;
    const regions = renderRegions(service, window);
    for (const [name, html] of Object.entries(regions)) {
      if (new Map(Object.entries(drawn)).get(name) !== html)
        response.write(`event: ${name}\ndata: ${JSON.stringify(html)}\n\n`);
    }
    drawn = regions;
  };
  const unsubscribe = service.changes.subscribe(() => {
    if (isPlanned) return;
    isPlanned = true;
    service.timers.after(drawDelayMs, draw);
  });
  response.on('close', unsubscribe);
  draw();
}

function readWindow(service: Service, query: URLSearchParams): Window {
  const { world } = service;
  const user = world.findUser(query.get('user') ?? '') ?? world.user('ana');
  const appChannel = world.direct(user.id, world.bot.id);
  const asked = world.findChannel(query.get('at') ?? '');
  const channel = asked !== undefined && asked.members.has(user.id) ? asked : world.channel('data');
  const threadTs = query.get('thread') ?? undefined;
  return {
    user,
    channel,
    appChannel,
    threadTs,
    isHome: query.get('tab') === 'home' && channel.kind === 'im',
  };
}

/** Accepts acts of this page only: another site must not be able to run code through it. */
async function takeAct(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const isOwn =
    request.headers.origin === service.origin &&
    request.headers.host === new URL(service.origin).host &&
    request.headers['content-type'] === 'application/json';
  if (!isOwn) {
    response.writeHead(403).end();
    return;
  }
  const refused = await act(service, await json(request));
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ refused }));
}

function giveFile(service: Service, path: string, response: ServerResponse): void {
  const stored = service.world.files.get(path.slice('/page/files/'.length));
  if (stored === undefined) {
    response.writeHead(404).end();
    return;
  }
  // Scripts in a file must not run in the origin of this page.
  const isShown = /^(image\/(png|jpeg|gif)|text\/plain)$/.test(stored.file.mimetype);
  response
    .writeHead(200, {
      'content-type':
        stored.file.mimetype === 'text/plain' ? 'text/plain; charset=utf-8' : stored.file.mimetype,
      'content-disposition': `${isShown ? 'inline' : 'attachment'}; filename*=UTF-8''${encodeURIComponent(stored.file.name)}`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': 'sandbox',
    })
    .end(stored.bytes);
}
