import { expect, test } from 'vitest';
import { createFileReader, isSlackHost } from '../../../../src/slack/api/files.ts';

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
  return createFileReader({ token: 'xoxb-secret', apiUrl: undefined, fetch, askFile });
}

test('a file that lies elsewhere is refused without a call', async () => {
  const read = reader();
  await expect(read([elsewhere])).rejects.toMatchObject({ code: 'unreadableFile' });
  await expect(read([{ ...elsewhere, url: undefined }])).rejects.toMatchObject({ code: 'unreadableFile' });
  await expect(read([{ ...elsewhere, size: 10 * 2 ** 20 }])).rejects.toMatchObject({
    code: 'snippetTooLong',
  });
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
