/** Reads the bodies of requests: forms, JSON, multipart. */
import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface ApiArguments {
  readonly args: Readonly<Record<string, unknown>>;
  readonly token: string | undefined;
  readonly isJson: boolean;
}

export async function readArguments(request: IncomingMessage): Promise<ApiArguments> {
  const type = request.headers['content-type'] ?? '';
  const query = new URL(request.url ?? '/', 'http://playground').searchParams;
  const bytes = await buffer(request);
  const isJson = type.startsWith('application/json');
  const sent = isJson ? jsonObject(bytes.toString('utf8')) : Object.fromEntries(await fields(type, bytes));
  const args = { ...Object.fromEntries(query), ...sent };
  const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const token = bearer ?? (typeof args['token'] === 'string' ? args['token'] : undefined);
  const { token: _token, ...rest } = args;
  return { args: rest, token, isJson };
}

/** The bytes of an upload: the body as it is, or the file in a multipart form. */
export async function readUpload(request: IncomingMessage): Promise<Buffer> {
  const type = request.headers['content-type'] ?? '';
  const bytes = await buffer(request);
  if (!type.startsWith('multipart/form-data')) return bytes;
  const form = await multipart(type, bytes);
  for (const value of form.values()) {
    if (value instanceof Blob) return Buffer.from(await value.arrayBuffer());
  }
  return Buffer.alloc(0);
}

async function fields(type: string, bytes: Buffer): Promise<[string, unknown][]> {
  if (type.startsWith('multipart/form-data')) return [...(await multipart(type, bytes)).entries()];
  return [...new URLSearchParams(bytes.toString('utf8')).entries()];
}

function multipart(type: string, bytes: Buffer): Promise<FormData> {
  return new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData();
}

function jsonObject(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : {};
  } catch {
    return {};
  }
}
