import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createDownload, createFileReader, isSlackHost } from '../../../../src/slack/api/files.ts';

test.each([
  ['https://files.slack.com/x', undefined, true],
  ['https://slack.com/x', undefined, true],
  ['https://slack-files.com/x', undefined, true],
  ['https://files.slack.com/x', 'https://slack-proxy.example.co.uk/api/', true],
  ['https://slack-proxy.example.co.uk/x', 'https://slack-proxy.example.co.uk/api/', true],
  ['https://evil.co.uk/x', 'https://slack-proxy.example.co.uk/api/', false],
  ['https://files.example.co.uk/x', 'https://slack-proxy.example.co.uk/api/', false],
  ['https://files.slack.com:8443/x', undefined, false],
  ['https://files.slack.com.example.org/x', undefined, false],
  ['https://evilslack.com/x', undefined, false],
  ['http://files.slack.com/x', undefined, false],
  ['https://files.slack-gov.com/x', 'https://slack-gov.com/api/', true],
  ['http://127.0.0.1:3000/x', 'http://127.0.0.1:3000/api/', true],
  ['http://127.0.0.1:3001/x', 'http://127.0.0.1:3000/api/', false],
  ['https://10.0.0.1/x', 'https://9.0.0.1/api/', false],
])('the bot’s token goes to %s with the API at %s: %s', (url, apiUrl, goes) => {
  expect(isSlackHost(new URL(url), apiUrl)).toBe(goes);
});

const elsewhere = {
  kind: 'code',
  name: 'a.py',
  size: 1,
  url: 'https://drive.example.org/a.py',
  syntax: undefined,
} as const;

function reader(askFile: (id: string) => Promise<unknown> = () => Promise.reject(new Error('asked'))) {
  return createFileReader({
    maxCodeBytes: 1_000_000,
    download: createDownload('xoxb-secret', undefined, fetch),
    askFile,
  });
}

test('a file outside Slack is refused without a call', async () => {
  const read = reader();
  await expect(read([elsewhere])).rejects.toMatchObject({ code: 'unreadableFile' });
  await expect(read([{ ...elsewhere, url: undefined }])).rejects.toMatchObject({ code: 'unreadableFile' });
  await expect(read([{ ...elsewhere, url: '' }])).rejects.toMatchObject({ code: 'unreadableFile' });
});

test.each([
  [`${'a'.repeat(149)}😀.ipynb`, 'a'.repeat(149)],
  ['report.IPYNB', 'report'],
  // It was run before, so it comes back under the same name.
  ['report-executed.ipynb', 'report'],
  ['report.ipynb.txt', 'report'],
])('the name of the notebook %s, for the executed one', async (name, short) => {
  const cell = { cell_type: 'code', source: '1', metadata: {}, outputs: [], execution_count: null };
  const notebook = JSON.stringify({ cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 5 });
  const read = createFileReader({
    maxCodeBytes: 1_000_000,
    download: async () => Buffer.from(notebook),
    askFile: async () => ({}),
  });
  const [file] = await read([{ ...elsewhere, kind: 'notebook', name }]);
  expect(file?.notebook?.name).toBe(short);
});

test('files that are too long together are refused before any is fetched', async () => {
  const file = { ...elsewhere, url: 'https://files.slack.com/a.py', size: 9_000_000 };
  await expect(reader()(Array.from({ length: 10 }, () => file))).rejects.toThrow(
    'The files are too long: 90 MB, and a run may have 1 MB. Nothing ran.',
  );
  await expect(reader()([{ ...file, size: 1_000_001 }])).rejects.toThrow('The file is too long: 1.000001 MB');
});

test('a file of unknown size is not downloaded beyond the limit of a run', async () => {
  let sent = 0;
  const server = createServer((_request, response) => {
    const send = (): void => {
      while (sent < 50_000_000 && response.write('x'.repeat(100_000))) sent += 100_000;
    };
    response.on('drain', send);
    send();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.number() }).parse(server.address());
  const apiUrl = `http://127.0.0.1:${port}/api/`;
  const read = createFileReader({
    maxCodeBytes: 1_000_000,
    download: createDownload('x', apiUrl, fetch),
    askFile: async () => ({}),
  });
  const file = { ...elsewhere, url: `http://127.0.0.1:${port}/a.py`, size: undefined };
  await expect(read([file])).rejects.toMatchObject({ code: 'snippetTooLong' });
  expect(sent).toBeLessThan(20_000_000);
  server.closeAllConnections();
  server.close();
});

test('a file that is gone, or that Slack does not show, is refused with a sentence', async () => {
  await expect(reader()([{ kind: 'gone', why: 'it was deleted' }])).rejects.toThrow(
    'The file could not be read: it was deleted. Nothing ran.',
  );
  const stub = { kind: 'stub', id: 'F1' } as const;
  await expect(reader()([stub])).rejects.toThrow('could not be looked up');
  const stillHidden = reader(() => Promise.resolve({ id: 'F1', file_access: 'check_file_info' }));
  await expect(stillHidden([stub])).rejects.toThrow('Slack does not show it');
});

test('a stub that turns out to be a picture is no code', async () => {
  const read = reader(() => Promise.resolve({ id: 'F1', name: 'cat.png', mode: 'hosted' }));
  expect(await read([{ kind: 'stub', id: 'F1' }])).toEqual([]);
});

test('a notebook that is too large is refused with its size, before it is downloaded', async () => {
  const large = { ...elsewhere, kind: 'notebook', name: 'a.ipynb', size: 20_300_000 } as const;
  await expect(reader()([large])).rejects.toThrow('The notebook a.ipynb is too large (21 MB, at most 20).');
  await expect(reader()([{ ...large, size: 15_000_000 }])).rejects.toMatchObject({ code: 'unreadableFile' });
});
