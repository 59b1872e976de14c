import { WebClient } from '@slack/web-api';
import { expect, test } from 'vitest';
import { startPlayground, type Playground } from '../../playground/playground.ts';
import { silent } from './bolt-app.ts';

function clientOf(playground: Playground): WebClient {
  const { SLACK_BOT_TOKEN } = playground.environment;
  return new WebClient(SLACK_BOT_TOKEN, {
    slackApiUrl: playground.apiUrl,
    retryConfig: { retries: 0 },
    logger: silent,
  });
}

test('an upload is answered before it appears, and can be read with the token only', async () => {
  await using playground = await startPlayground({ shareDelayMs: 2_000 });
  const client = clientOf(playground);
  const channel = playground.channel('#data').id;
  const parent = playground.as('ana').post('#data', 'plot please');
  const content = Buffer.from('not really a picture');
  const uploaded = await client.filesUploadV2({
    channel_id: channel,
    thread_ts: parent.ts,
    filename: 'plot.png',
    file: content,
  });
  expect(JSON.stringify(uploaded)).not.toContain('shares');
  expect(playground.replies('#data', parent.ts)).toEqual([]);
  const reply = await playground.waitForReply('#data', parent.ts);
  expect(reply).toMatchObject({
    subtype: 'file_share',
    user: playground.bot.id,
    bot_id: playground.bot.botId,
  });
  const [file] = playground.files;
  expect(file?.bytes).toEqual(content);
  const info = await client.files.info({ file: file?.file.id ?? '' });
  expect(info.file).toMatchObject({
    mimetype: 'image/png',
    size: content.length,
    shares: { public: { [channel]: [{ ts: reply.ts, thread_ts: parent.ts }] } },
  });
  const url = file?.file.url_private_download ?? '';
  const headers = { authorization: `Bearer ${playground.environment.SLACK_BOT_TOKEN}` };
  expect(await (await fetch(url, { headers })).text()).toBe('not really a picture');
  expect((await fetch(url, { redirect: 'manual' })).status).toBe(302);
});

test('a lost share never appears, but the file exists', async () => {
  await using playground = await startPlayground({ shareDelayMs: 0 });
  playground.loseShares();
  const client = clientOf(playground);
  await client.filesUploadV2({
    channel_id: playground.channel('#data').id,
    filename: 'a.txt',
    file: Buffer.from('a'),
  });
  await playground.waitFor(() => playground.files.every(({ processed }) => processed));
  expect(playground.messages('#data')).toEqual([]);
  const info = await client.files.info({ file: playground.files[0]?.file.id ?? '' });
  expect(info.file?.shares).toBeUndefined();
});

test('an image block takes a processed file, and pictures only', async () => {
  await using playground = await startPlayground({ rates: false });
  const client = clientOf(playground);
  const channel = playground.channel('#data').id;
  const show = (id: string) =>
    client.apiCall('chat.postMessage', {
      channel,
      text: 'plot',
      blocks: [{ type: 'image', alt_text: 'plot', slack_file: { id } }],
    });
  await client.filesUploadV2({ filename: 'plot.png', file: Buffer.from('p') });
  const id = playground.files[0]?.file.id ?? '';
  await playground.waitFor(() => playground.files[0]?.processed);
  await show(id);
  await expect(show('F0NOTHING0')).rejects.toMatchObject({ data: { error: 'invalid_blocks' } });
});

test('limits: no empty file, no snippet over 1 MB, the announced length', async () => {
  await using playground = await startPlayground();
  const client = clientOf(playground);
  const announce = (more: object) =>
    client.apiCall('files.getUploadURLExternal', { filename: 'a.txt', ...more });
  await expect(announce({ length: 0 })).rejects.toMatchObject({ data: { error: 'missing_argument' } });
  await expect(announce({ length: 1_000_001, snippet_type: 'text' })).rejects.toMatchObject({
    data: { error: 'snippet_too_large' },
  });
  await announce({ length: 1_000_001 });
  const { upload_url: url, file_id: file } = await client.files.getUploadURLExternal({
    filename: 'a.txt',
    length: 3,
  });
  expect((await fetch(String(url), { method: 'POST', body: 'four' })).status).toBe(400);
  await expect(
    client.apiCall('files.completeUploadExternal', { files: [{ id: file }] }),
  ).rejects.toMatchObject({
    data: { error: 'file_not_found' },
  });
  expect((await fetch(String(url), { method: 'POST', body: 'abc' })).status).toBe(200);
  await client.apiCall('files.completeUploadExternal', { files: [{ id: file, title: 'A' }] });
  expect(playground.files[0]?.file.title).toBe('A');
});

test('a message takes fourteen files, and fails with fifteen', async () => {
  await using playground = await startPlayground();
  const client = clientOf(playground);
  const share = async (count: number) => {
    const files = await Promise.all(
      Array.from({ length: count }, async () => {
        const about = { filename: 'a.txt', length: 1 };
        const { upload_url: url, file_id: id } = await client.files.getUploadURLExternal(about);
        await fetch(String(url), { method: 'POST', body: 'a' });
        return { id };
      }),
    );
    const channel = playground.channel('#data').id;
    await client.apiCall('files.completeUploadExternal', { files, channel_id: channel });
  };
  await share(14);
  await expect(share(15)).rejects.toMatchObject({ data: { error: 'internal_error' } });
});

test("a deleted file leaves a tombstone in its message, and a person's file is not the bot's to delete", async () => {
  await using playground = await startPlayground();
  const client = clientOf(playground);
  await client.filesUploadV2({
    channel_id: playground.channel('#data').id,
    filename: 'a.txt',
    file: Buffer.from('a'),
  });
  const shared = await playground.waitForMessage('#data', ({ files }) => files !== undefined);
  await client.files.delete({ file: shared.files?.[0]?.id ?? '' });
  expect(shared.files).toEqual([{ id: expect.any(String), mode: 'tombstone' }]);
  const upload = playground
    .as('ana')
    .upload('#data', { name: 'x.py', content: 'x', snippet: 'python' }, '@sparkthread');
  expect(upload.files).toMatchObject([{ mode: 'snippet', filetype: 'python', preview: 'x' }]);
  await expect(client.files.delete({ file: upload.files?.[0]?.id ?? '' })).rejects.toMatchObject({
    data: { error: 'cant_delete_file' },
  });
});
