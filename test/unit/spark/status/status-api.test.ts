import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { StatusApi, type StatusQuestion } from '../../../../src/spark/status/status-api.ts';
import { startConnectProxy } from '../../../support/connect-proxy.ts';
import {
  startStatusServer,
  statusApplication,
  statusJob,
  type StatusServer,
} from '../../../support/spark-status.ts';

const never = new AbortController().signal;
const now = Date.now();
const jobs = [statusJob(3, now, { numTasks: 8 })];

let server: StatusServer;
beforeEach(async () => {
  server = await startStatusServer();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server[Symbol.asyncDispose]();
});

const follow = (template: string, more: Partial<StatusQuestion> = {}) =>
  new StatusApi({ url: template.replace('HOST', server.url) }).follow({
    kernelId: 'k-1',
    sinceMs: now,
    ...more,
  });
const lists = [statusApplication('app-1', 5), statusApplication('app-0', 1)];

describe('the addresses of its requests', () => {
  test.each(['HOST/api/v1', 'HOST/api/v1/', 'HOST/api/v1/applications/{appId}'])('%s', async (template) => {
    server.answers = { '/api/v1/applications': lists, '/api/v1/applications/app-1/jobs': jobs };
    const follower = follow(template);
    expect(await follower.look(never)).toMatchObject({ counts: { jobs: 1, tasks: 8 }, app: { id: 'app-1' } });
    await follower.look(never);
    // Once it has had a job of the run, an application stays.
    expect(server.asked).toEqual([
      '/api/v1/applications?status=running',
      '/api/v1/applications/app-1/jobs',
      '/api/v1/applications/app-1/jobs',
    ]);
  });

  test('an application with several attempts on YARN', async () => {
    const application = statusApplication('application_1_2', 5, {}, { attemptId: '1' });
    server.answers = {
      '/api/v1/applications': [application],
      '/api/v1/applications/application_1_2/1/jobs': jobs,
    };
    expect(await follow('HOST/api/v1').look(never)).toMatchObject({ app: { id: 'application_1_2' } });
  });

  test('behind YARN’s proxy, the application is the one that is named after the kernel', async () => {
    const id = 'application_1_2';
    server.answers = {
      '/ws/v1/cluster/apps': { apps: { app: [{ id, name: 'k-1' }] } },
      [`/proxy/${id}/api/v1/applications`]: [statusApplication(id, 5, {}, { attemptId: '1' })],
      [`/proxy/${id}/api/v1/applications/${id}/1/jobs`]: jobs,
    };
    expect(await follow('HOST/proxy/{appId}/api/v1').look(never)).toMatchObject({ app: { id } });
    expect(server.asked[0]).toBe('/ws/v1/cluster/apps?states=RUNNING&applicationTypes=SPARK');
    expect(await follow('HOST/proxy/{appId}/api/v1', { kernelId: 'k-2' }).look(never)).toBeUndefined();
  });

  test('an application that is known needs no list, and cannot lead elsewhere', async () => {
    server.answers = {
      '/x/app-1/api/v1/applications': lists,
      '/x/app-1/api/v1/applications/app-1/jobs': jobs,
    };
    expect(await follow('HOST/x/{appId}/api/v1', { appId: 'app-1' }).look(never)).toBeDefined();
    const asked = server.asked.length;
    expect(await follow('HOST/x/{appId}/api/v1', { appId: '..' }).look(never)).toBeUndefined();
    expect(await follow('HOST/x/{appId}/api/v1').look(never)).toBeUndefined();
    expect(server.asked).toHaveLength(asked);
  });

  test('until a job has come the application is searched again: a run may start its own', async () => {
    server.answers = { '/api/v1/applications': [] };
    const follower = follow('HOST/api/v1');
    expect(await follower.look(never)).toBeUndefined();
    server.answers = {
      '/api/v1/applications': [statusApplication('app-1', 5)],
      '/api/v1/applications/app-1/jobs': [statusJob(1, now - 60_000)],
    };
    expect(await follower.look(never)).toBeUndefined();
    server.answers = {
      '/api/v1/applications': [...lists, statusApplication('app-2', 9)],
      '/api/v1/applications/app-2/jobs': jobs,
    };
    expect(await follower.look(never)).toMatchObject({ app: { id: 'app-2' } });
    // Its driver ended, and another began.
    server.answers = { '/api/v1/applications': lists, '/api/v1/applications/app-1/jobs': jobs };
    await expect(follower.look(never)).rejects.toThrow('status 404');
    expect(await follower.look(never)).toMatchObject({ app: { id: 'app-1' } });
  });
});

test('a user in the address is sent in a header, and appears neither in the shown address nor in an error', async () => {
  const url = server.url.replace('//', '//ana:p%40ss@');
  const api = new StatusApi({ url: `${url}/api/v1` });
  expect(api.shownAddress).toBe(server.url);
  const error: unknown = await api
    .follow({ kernelId: 'k-1', sinceMs: now })
    .look(never)
    .catch((failure: unknown) => failure);
  expect(String(error)).toBe('Error: the answer has status 404');
  expect(server.headers[0]?.authorization).toBe(`Basic ${Buffer.from('ana:p@ss').toString('base64')}`);
  await follow('HOST/api/v1')
    .look(never)
    .catch(() => undefined);
  expect(server.headers[1]?.authorization).toBeUndefined();
});

test('a different clock is read from the response', async () => {
  const aheadMs = 3_600_000;
  const answer = (to: ServerResponse): void =>
    void to
      .writeHead(200, { date: new Date(now + aheadMs).toUTCString() })
      .end(JSON.stringify([statusJob(1, now + aheadMs - 60_000), statusJob(2, now + aheadMs)]));
  server.answers = { '/api/v1/applications': lists, '/api/v1/applications/app-1/jobs': answer };
  const moment = await follow('HOST/api/v1').look(never);
  expect(moment).toMatchObject({ counts: { jobs: 1 }, job: 2, hasLasted: false });
});

describe('responses that are not an answer', () => {
  const answered = async (answer: (to: ServerResponse) => void): Promise<unknown> => {
    server.answers = { '/api/v1/applications': answer, '/login': lists };
    return await follow('HOST/api/v1').look(never);
  };

  test.each([
    ['a login page', '<html>log in</html>', 'no JSON'],
    ['a deep text', '['.repeat(1_000_000), 'no JSON'],
    ['a deep value', `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`, undefined],
    ['a long text', JSON.stringify(['x'.repeat(5 * 2 ** 20)]), 'Response content exceeded max size'],
  ])('%s', async (_, text, message) => {
    const looked = answered((to) => void to.writeHead(200).end(text));
    if (message === undefined) await expect(looked).resolves.toBeUndefined();
    else await expect(looked).rejects.toThrow(message);
  });

  test('a redirect, which is not followed', async () => {
    const looked = answered((to) => void to.writeHead(302, { location: '/login' }).end());
    await expect(looked).rejects.toThrow('status 302');
    expect(server.asked).toHaveLength(1);
  });

  test('no response, up to a timeout and the end of the run', async () => {
    const deadline = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(deadline.signal);
    server.answers = { '/api/v1/applications': (to: ServerResponse) => void to.writeHead(200).write('[') };
    const late = follow('HOST/api/v1').look(never);
    await server.untilAsked(1);
    deadline.abort(new Error('too late'));
    await expect(late).rejects.toThrow('too late');
    expect(timeout).toHaveBeenCalledWith(5_000);
    timeout.mockReturnValue(never);
    const over = new AbortController();
    const ended = follow('HOST/api/v1').look(over.signal);
    await server.untilAsked(2);
    over.abort(new Error('over'));
    await expect(ended).rejects.toThrow('over');
  });
});

test('a proxy is used', async () => {
  await using proxy = await startConnectProxy();
  proxy.refuseWith = 403;
  const api = new StatusApi({ url: 'https://spark.invalid/api/v1', proxy: proxy.url });
  await expect(api.follow({ kernelId: 'k-1', sinceMs: now }).look(never)).rejects.toThrow();
  expect(proxy.asked).toEqual([{ target: 'spark.invalid:443', status: 403 }]);
});
