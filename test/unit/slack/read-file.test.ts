import { expect, test } from 'vitest';
import { fileReader, isSlackHost } from '../../../src/slack/read-file.ts';

test.each([
  ['https://files.slack.com/x', undefined, true],
  ['https://slack.com/x', undefined, true],
  ['https://slack-files.com/x', undefined, false],
  ['https://files.slack.com.example.org/x', undefined, false],
  ['https://evilslack.com/x', undefined, false],
  ['http://files.slack.com/x', undefined, false],
  ['https://files.slack-gov.com/x', 'https://slack-gov.com/api/', true],
  ['https://files.slack.com/x', 'https://slack-gov.com/api/', false],
  ['http://127.0.0.1:3000/x', 'http://127.0.0.1:3000/api/', true],
  ['http://127.0.0.1:3001/x', 'http://127.0.0.1:3000/api/', false],
  ['https://10.0.0.1/x', 'https://9.0.0.1/api/', false],
])('the bot’s token goes to %s with the API at %s: %s', (url, apiUrl, goes) => {
  expect(isSlackHost(new URL(url), apiUrl)).toBe(goes);
});

test('a file that lies elsewhere is refused without a call', async () => {
  const read = fileReader({ token: 'xoxb-secret', apiUrl: undefined });
  const file = { name: 'a.py', size: 1, url: 'https://drive.example.org/a.py', syntax: undefined };
  await expect(read(file)).rejects.toMatchObject({ code: 'unreadableFile' });
  await expect(read({ ...file, url: undefined })).rejects.toMatchObject({ code: 'unreadableFile' });
  await expect(read({ ...file, size: 10 * 2 ** 20 })).rejects.toMatchObject({ code: 'snippetTooLong' });
});
