import { expect, test } from 'vitest';
import { cleanEnvironment } from '../../../demo/clean-environment.ts';

test('passes on where programs and package indexes are, and no secret', () => {
  const clean = cleanEnvironment({
    PATH: '/bin',
    HOME: '/home/ana',
    PIP_INDEX_URL: 'https://index.example/simple',
    https_proxy: 'http://proxy.example',
    LC_ALL: 'C',
    SLACK_BOT_TOKEN: 'xoxb-1',
    KG_AUTH_TOKEN: 'secret',
    AWS_SECRET_ACCESS_KEY: 'secret',
    MY_PATH: '/x',
  });
  expect(Object.keys(clean).toSorted()).toEqual(['HOME', 'LC_ALL', 'PATH', 'PIP_INDEX_URL', 'https_proxy']);
});

test('sets additions, whatever their name', () => {
  expect(cleanEnvironment({ PATH: '/bin' }, { KG_URL: 'http://x', PATH: undefined })).toEqual({
    KG_URL: 'http://x',
  });
});
