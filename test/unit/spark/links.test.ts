import { describe, expect, test } from 'vitest';
import { type SparkApplication, sparkLinks } from '../../../src/spark/spark-work.ts';

const none = { uiUrl: undefined, historyUrl: undefined };
const id = 'application_1700000000000_0001';
const link = (app: Partial<SparkApplication>, settings = {}, job: number | undefined = 7) =>
  sparkLinks({ ...none, ...settings }, { id, ...app }, job).link;

describe('the first that a browser can open', () => {
  const all = {
    ui: 'http://driver.example.com:4040',
    reverse: 'https://spark.example.com/',
    yarn: `http://rm.example.com:8088/proxy/${id},http://rm2.example.com:8088/proxy/${id}`,
  };
  test('the operator’s template', () => {
    const uiUrl = 'https://rm/proxy/{appId}/jobs/job/?id={jobId}';
    expect(link(all, { uiUrl })).toBe(`https://rm/proxy/${id}/jobs/job/?id=7`);
  });
  test('then the reverse proxy, YARN’s proxy, the driver', () => {
    expect(link(all)).toBe(`https://spark.example.com/proxy/${id}/`);
    expect(link({ ...all, reverse: undefined })).toBe(`http://rm.example.com:8088/proxy/${id}`);
    expect(link({ ui: all.ui })).toBe('http://driver.example.com:4040/');
  });
  test('otherwise none', () => expect(link({})).toBeUndefined());
});

test.each([
  'http://localhost:4040',
  'http://127.0.0.1:4040',
  'http://0.0.0.0:4040',
  'http://[::1]:4040',
  'http://[fd00::1]:4040',
  'http://10.1.2.3:4040',
  'http://172.17.0.2:4040',
  'http://192.168.1.5:4040',
  'http://100.64.0.1:4040',
  'http://169.254.1.1:4040',
  'http://3f2a9c81d0aa:4040',
  'http://spark-driver.jobs.svc:4040',
  'http://spark-driver.jobs.svc.cluster.local:4040',
  'http://ip-10-0-0-1.ec2.internal:4040',
  'http://me:secret@driver.example.com:4040',
  'javascript:alert(1)//.example.com',
  `http://driver.example.com/${'x'.repeat(500)}`,
  'no address',
])('no link to %s', (ui) => expect(link({ ui })).toBeUndefined());

test.each(['http://172.32.0.1:4040', 'https://spark.example.com', 'http://[2001:db8::1]:4040'])(
  'a link to %s',
  (ui) => expect(link({ ui })).toBe(`${ui}/`),
);

test('a template that needs an unknown value gives no link', () => {
  const settings = { ...none, uiUrl: 'https://ui/{appId}/{jobId}' };
  expect(sparkLinks(settings, { id }, undefined)).toEqual({});
  expect(sparkLinks(settings, undefined, 1)).toEqual({});
  expect(sparkLinks({ ...none, uiUrl: 'https://master:8080/' }, undefined, undefined).link).toBe(
    'https://master:8080/',
  );
});

test('an id is encoded as a path segment', () => {
  expect(sparkLinks({ ...none, uiUrl: 'https://ui/{appId}/' }, { id: 'a/../b?c' }, 1).link).toBe(
    'https://ui/a%2F..%2Fb%3Fc/',
  );
});

test('once the driver is gone: the history server, otherwise the template; never the driver’s own address', () => {
  const ui = 'http://driver.example.com:4040';
  const historyUrl = 'https://hs/history/{appId}/jobs/';
  expect(sparkLinks({ ...none, historyUrl }, { id, ui }, 1).historyLink).toBe(
    `https://hs/history/${id}/jobs/`,
  );
  expect(sparkLinks({ ...none, uiUrl: 'https://rm/{appId}' }, { id, ui }, 1).historyLink).toBe(
    `https://rm/${id}`,
  );
  expect(sparkLinks(none, { id, ui }, 1)).toEqual({ link: `${ui}/` });
});

test('off: nothing at all', () => {
  const historyUrl = 'https://hs/history/{appId}/';
  expect(sparkLinks({ uiUrl: 'off', historyUrl }, { id }, 1)).toEqual({ hidesApp: true });
});
