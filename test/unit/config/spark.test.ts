import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { ConfigError } from '../../../src/errors.ts';
import { LEAST } from '../../support/least-settings.ts';

const least = { ...LEAST, KG_URL: 'https://gateway.corp/jkg/' };

describe('SPARK_STATUS_URL', () => {
  const url = 'https://rm.corp/proxy/{appId}/api/v1';

  test('is read with the proxy on the way there', () => {
    expect(readConfig(least).spark.status).toBeUndefined();
    const proxied = { ...least, SPARK_STATUS_URL: url, HTTPS_PROXY: 'http://proxy:3128' };
    expect(readConfig(proxied).spark.status).toEqual({ url, proxy: 'http://proxy:3128/' });
    expect(readConfig({ ...proxied, NO_PROXY: '.corp' }).spark.status).toEqual({ url, proxy: undefined });
  });

  test('its password is a secret', () => {
    const { secrets } = readConfig({ ...least, SPARK_STATUS_URL: 'http://ana:p%40ss@spark.corp/api/v1' });
    expect(secrets).toEqual(
      expect.arrayContaining(['p@ss', 'p%40ss', Buffer.from('ana:p@ss').toString('base64')]),
    );
  });

  test.each([
    'spark.corp/api/v1',
    'ftp://spark.corp/api/v1',
    'http://spark.corp/{jobId}',
    'http://spark.corp/{app}',
    'http://spark.corp/api/v1?user=geheim',
    'http://spark.corp/api/v1#geheim',
    'http://ana:geheim%zz@spark.corp/api/v1',
    'http://{appId}.corp/api/v1',
  ])('%s is refused and not repeated', (given) => {
    const read = () => readConfig({ ...least, SPARK_STATUS_URL: given });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/^(?!.*geheim).*SPARK_STATUS_URL must be/s);
  });
});

test.each(['SQL_ROWS', 'SHOW_DATAFRAMES'])('%s is a number that every kernel can count to', (name) => {
  expect(readConfig({ ...least, [name]: '1000000' })).toBeDefined();
  for (const given of ['0', '-5', '1.5', '1e3', '1000001', '5000000000'])
    expect(() => readConfig({ ...least, [name]: given })).toThrow(`a whole number from 1 to 1000000`);
});
