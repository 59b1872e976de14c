/** Handles requests for `/api/<method>`: token, rate, scope, arguments, faults, answer, journal. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../faults.ts';
import type { ApiCall } from '../journal.ts';
import type { Service } from '../service.ts';
import { chatMethods } from './chat.ts';
import { conversationMethods } from './conversations.ts';
import { fileMethods } from './files.ts';
import { identityMethods } from './identity.ts';
import { Refusal, type Answer, type Method } from './method.ts';
import { readArguments } from './request.ts';
import { viewMethods } from './views.ts';

const methods = new Map<string, Method>(
  Object.entries({
    ...chatMethods,
    ...conversationMethods,
    ...fileMethods,
    ...identityMethods,
    ...viewMethods,
  }),
);

interface Reply {
  readonly status: number;
  readonly body: Answer;
  readonly retryAfterS?: number;
}

export async function answerApiCall(
  service: Service,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { args, token, isJson } = await readArguments(request);
  const call: ApiCall = { method: name, args, startedAtMs: performance.now(), ignored: [] };
  service.calls.push(call);
  service.changes.announce();
  const fault = service.faults.next(name);
  if (fault !== undefined) call.fault = fault.kind;
  await beforeWork(fault);
  const reply = plantedReply(fault) ?? handleCall(service, name, { args, token, isJson }, call);
  if (fault?.kind === 'replyLate') await sleep(fault.delayMs);
  call.endedAtMs = performance.now();
  call.status = reply.status;
  call.answer = reply.body;
  if (typeof reply.body['error'] === 'string') call.error = reply.body['error'];
  if (fault?.kind === 'dropped' || fault?.kind === 'replyLost') request.socket.destroy();
  else write(service, name, response, reply);
  service.changes.announce();
}

async function beforeWork(fault: Fault | undefined): Promise<void> {
  if (fault?.kind === 'late') await sleep(fault.delayMs);
  if (fault?.kind === 'held') {
    fault.reached();
    await fault.until;
  }
}

/** The answer of a fault with which nothing is done. */
function plantedReply(fault: Fault | undefined): Reply | undefined {
  if (fault?.kind === 'rateLimited') {
    return { status: 429, body: { ok: false, error: 'ratelimited' }, retryAfterS: fault.retryAfterS };
  }
  if (fault?.kind === 'status') return { status: fault.status, body: {} };
  if (fault?.kind === 'error') return refusal(fault.error);
  return fault?.kind === 'dropped' ? { status: 0, body: {} } : undefined;
}

function handleCall(
  service: Service,
  name: string,
  {
    args,
    token,
    isJson,
  }: { args: Readonly<Record<string, unknown>>; token: string | undefined; isJson: boolean },
  call: ApiCall,
): Reply {
  const { settings } = service;
  const found = methods.get(name);
  if (found === undefined) return refusal('unknown_method', { req_method: name });
  if (token === undefined || token === '') return refusal('not_authed');
  if (token !== settings.botToken && token !== settings.appToken) return refusal('invalid_auth');
  if (token !== (found.token === 'app' ? settings.appToken : settings.botToken))
    return refusal('not_allowed_token_type');
  const channel = typeof args['channel'] === 'string' ? args['channel'] : undefined;
  const retryAfterS = service.rates?.retryAfterS(name, channel, settings.now());
  if (retryAfterS !== undefined)
    return { status: 429, body: { ok: false, error: 'ratelimited' }, retryAfterS };
  if (found.scopes.length > 0 && !found.scopes.some((scope) => settings.scopes.includes(scope))) {
    return refusal('missing_scope', { needed: found.scopes.join(','), provided: settings.scopes.join(',') });
  }
  if (isJson && !found.takesJson)
    return refusal('invalid_arguments', { response_metadata: { messages: ['[ERROR] form data expected'] } });
  try {
    const { answer, ignored } = found.call(service, args);
    call.ignored = ignored;
    return { status: 200, body: { ok: true, ...answer } };
  } catch (error) {
    if (error instanceof Refusal) return refusal(error.error, error.details);
    throw error;
  }
}

function refusal(error: string, details: Answer = {}): Reply {
  return { status: 200, body: { ok: false, error, ...details } };
}

function write(service: Service, name: string, response: ServerResponse, reply: Reply): void {
  const found = methods.get(name);
  if (reply.status >= 500) {
    response.writeHead(reply.status, { 'content-type': 'text/html' }).end('<h1>Server Error</h1>');
    return;
  }
  response
    .writeHead(reply.status, {
      'content-type': 'application/json; charset=utf-8',
      'x-oauth-scopes': (found?.token === 'app' ? ['connections:write'] : service.settings.scopes).join(','),
      'x-accepted-oauth-scopes': found?.scopes.join(',') ?? '',
      ...(reply.retryAfterS === undefined ? {} : { 'retry-after': String(reply.retryAfterS) }),
    })
    .end(JSON.stringify(reply.body));
}
