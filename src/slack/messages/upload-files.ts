import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { WebClient } from '@slack/web-api';
import { readCallError, refusedAs, withRetries } from '../api/call-error.ts';
import { inThread, type Place } from '../api/posted.ts';
import type { RunFile } from '../blocks/run/attachments.ts';
import { startOf } from '../blocks/truncate.ts';
import type { SlackRequest } from '../transport/network.ts';
import type { MessageClient } from './client.ts';

type UploadFile = RunFile & { kind: 'file' };

/** Slack shows snippets with a preview, up to 1 MB (slack.md §2). */
const MAX_SNIPPET_BYTES = 1_000_000;
/** Sharing is asynchronous (slack.md fact 9): how often a file is asked for, each time after a longer wait. */
const LOOKS = 7;
const LOOK_MS = 400;

export interface Uploaded {
  /** Those that are in the thread. */
  sent: SentFile[];
  failed: { file: UploadFile; reason: string }[];
}

/** Uploads files into a thread as one message, in order; files that do not appear there are uploaded once more. */
export async function uploadFiles(
  calls: MessageClient,
  place: Place,
  files: readonly UploadFile[],
): Promise<Uploaded> {
  const first = await uploadOnce(calls, place, files);
  if (first.lost.length === 0) return first;
  // A file that is only slow would appear beside its copy.
  for (const { id: file } of first.lost)
    await withRetries(() => calls.client.files.delete({ file })).catch(() => undefined);
  const again = await uploadOnce(
    calls,
    place,
    first.lost.map(({ file }) => file),
  );
  const lost = again.lost.map(({ file }) => ({ file, reason: 'it was accepted, but never appeared' }));
  return { sent: [...first.sent, ...again.sent], failed: [...first.failed, ...again.failed, ...lost] };
}

async function uploadOnce(
  calls: MessageClient,
  place: Place,
  files: readonly UploadFile[],
): Promise<Uploaded & { lost: SentFile[] }> {
  const failed: Uploaded['failed'] = [];
  const sent: SentFile[] = [];
  for (const file of files) {
    // Late output may make the file longer meanwhile; its present content is sent.
    const size = await sizeOf(file);
    try {
      if (size === undefined) throw new Error('its output was replaced meanwhile');
      // Slack refuses empty files.
      if (size > 0) sent.push({ file, id: await withRetries(() => sendBytes(calls, file, size)) });
    } catch (error) {
      failed.push({ file, reason: reasonOf(error) });
    }
  }
  try {
    if (sent.length > 0) await share(calls, place, sent);
  } catch (error) {
    const reason = reasonOf(error);
    return { sent: [], failed: [...failed, ...sent.map(({ file }) => ({ file, reason }))], lost: [] };
  }
  const absent = await findAbsent(calls, place, sent);
  return { sent: sent.filter((each) => !absent.includes(each)), failed, lost: absent };
}

interface SentFile {
  file: UploadFile;
  /** Slack's id. */
  id: string;
}

/** Deletes a file that may be gone already. Returns the ts of the messages of this channel that have shown it. */
export async function deleteFile(client: WebClient, channel: string, file: string): Promise<string[]> {
  try {
    const { file: known } = await client.files.info({ file });
    // A try whose answer was lost may have deleted it.
    await withRetries(() => client.files.delete({ file })).catch(unlessGone);
    const shares = { ...known?.shares?.public, ...known?.shares?.private };
    return (shares[channel] ?? []).flatMap(({ ts }) => ts ?? []);
  } catch (error) {
    unlessGone(error);
    return [];
  }
}

function unlessGone(error: unknown): void {
  const failure = readCallError(error);
  if (failure.kind !== 'refused' || failure.refusal !== 'notFound') throw error;
}

/** In bytes; undefined for a file that is gone. */
export async function sizeOf({ content }: UploadFile): Promise<number | undefined> {
  if ('text' in content) return Buffer.byteLength(content.text);
  return (await stat(content.path).catch(() => undefined))?.size;
}

function bodyOf({ content }: UploadFile, size: number): Pick<SlackRequest, 'body' | 'duplex'> {
  if ('text' in content) return { body: content.text };
  return { body: Readable.toWeb(createReadStream(content.path, { end: size - 1 })), duplex: 'half' };
}

/** Sends the first `size` bytes of a file and returns its id. */
async function sendBytes(calls: MessageClient, file: UploadFile, size: number): Promise<string> {
  const alt = file.alt === undefined ? undefined : startOf(file.alt.toWellFormed(), 1000);
  const about = {
    filename: file.filename,
    length: size,
    // alt_txt in Slack's reference; the client's types have alt_text, which Slack does not know.
    ...(alt === undefined ? {} : { alt_txt: alt }),
    ...(file.snippet && size <= MAX_SNIPPET_BYTES ? { snippet_type: 'text' } : {}),
  };
  const ticket = await calls.client.files.getUploadURLExternal(about);
  if (ticket.upload_url === undefined || ticket.file_id === undefined)
    throw new Error('no upload URL was given');
  const answer = await calls.transfer(ticket.upload_url, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
    ...bodyOf(file, size),
    // Otherwise fetch keeps a copy of the whole body in memory for a redirect.
    redirect: 'error',
    window: null,
    signal: AbortSignal.timeout(30_000 + Math.ceil(size / 100)),
  });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`the upload was answered with HTTP ${answer.status}`);
  return ticket.file_id;
}

/** Shares uploaded files. Whether an unclear try has worked is seen when the files are looked for. */
async function share(calls: MessageClient, place: Place, sent: readonly SentFile[]): Promise<void> {
  const [first, ...rest] = sent.map(({ file, id }) => ({ id, title: file.filename }));
  if (first === undefined) return;
  let mayBeShared = false;
  await withRetries(async () => {
    if (mayBeShared && (await readAbsent(calls, place, sent)).length === 0) return;
    try {
      await calls.client.files.completeUploadExternal({
        files: [first, ...rest],
        channel_id: place.channel,
        ...inThread(place),
      });
    } catch (error) {
      const { kind } = readCallError(error);
      // An earlier try whose answer was lost may have shared them, and files cannot be shared twice.
      if (kind === 'refused' && mayBeShared) return;
      mayBeShared ||= kind === 'unclear';
      throw error;
    }
  });
}

/**
 * Which of the shared files do not appear in the channel. If Slack gives no answer in the end, they are assumed to be
 * there: uploaded again, they would be there twice.
 */
async function findAbsent(
  calls: MessageClient,
  place: Place,
  sent: readonly SentFile[],
): Promise<SentFile[]> {
  let absent = [...sent];
  for (let look = 1; look <= LOOKS && absent.length > 0; look += 1) {
    await delay(LOOK_MS * look);
    absent = await readAbsent(calls, place, absent, look === LOOKS);
  }
  return absent;
}

async function readAbsent(
  calls: MessageClient,
  { channel }: Place,
  sent: readonly SentFile[],
  isAssumed = false,
): Promise<SentFile[]> {
  const seen = await Promise.all(sent.map(({ id }) => isShared(calls, channel, id)));
  return sent.filter((_, index) => !(seen[index] ?? isAssumed));
}

/** Undefined if Slack gives no answer. */
async function isShared(calls: MessageClient, channel: string, id: string): Promise<boolean | undefined> {
  try {
    const { file } = await calls.client.files.info({ file: id });
    return { ...file?.shares?.public, ...file?.shares?.private }[channel] !== undefined;
  } catch (error) {
    const code = refusedAs(error);
    // If the bot may not look at files, they are assumed to be there.
    return code === undefined ? undefined : code !== 'file_not_found';
  }
}

function reasonOf(error: unknown): string {
  const failure = readCallError(error);
  if (failure.kind === 'refused') return failure.code;
  return failure.kind === 'unclear' ? failure.reason : 'rate limited';
}
