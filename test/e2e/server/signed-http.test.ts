import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../../demo/jupyter-app.ts';
import { signature } from '../../../playground/http-delivery.ts';
import { type Playground, startPlayground, verifyRequestUrl } from '../../../playground/playground.ts';
import { type ScriptedGateway, startScriptedGateway } from '../../support/scripted-gateway.ts';
import { type StartedBot, startBot } from '../../support/start-bot.ts';

const secret = 'the-signing-secret';
let playground: Playground;
let gateway: ScriptedGateway;
let requestUrl: string;
let port: string;
beforeEach(async () => {
  port = String(await freePort());
  requestUrl = `http://127.0.0.1:${port}/slack/events`;
  playground = await startPlayground({ requestUrl, signingSecret: secret });
  gateway = await startScriptedGateway();
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => kernel.run(request, `ran ${String(request.content['code'])}`);
  };
});
afterEach(async () => {
  await gateway.close();
  await playground.stop();
});

async function startSignedBot(environment: Record<string, string> = {}): Promise<StartedBot> {
  return await startBot({
    playground,
    gateway,
    environment: { SLACK_APP_TOKEN: '', SLACK_SIGNING_SECRET: secret, PORT: port, ...environment },
  });
}

function post(body: string, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> {
  return fetch(requestUrl, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
    ...(signal === undefined ? {} : { signal }),
  });
}

function signed(body: string, key: string, atSeconds = Math.floor(Date.now() / 1000)) {
  const timestamp = String(atSeconds);
  return {
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': signature(key, timestamp, body),
  };
}

test('mention, command and press work as in Socket Mode', async () => {
  await using bot = await startSignedBot();
  expect(await verifyRequestUrl(playground, requestUrl)).toBe(true);
  const ana = playground.as('ana');

  const asked = ana.post('#data', '@sparkthread `6*7`');
  const answer = await playground.waitForReply('#data', asked.ts, ({ text }) => text.includes('ran 6*7'));
  expect(answer.user).toBe(playground.bot.id);

  expect(await ana.slash('#data', '/spark 1+1')).toMatchObject({ ok: true });
  await playground.waitForMessage('#data', ({ text }) => text.includes('ran 1+1'));

  const pressed = await ana.press(answer, 'run:runAgain');
  expect(pressed).toMatchObject({ ok: true });
  await playground.waitForReply(
    '#data',
    asked.ts,
    ({ text, ts }) => ts !== answer.ts && text.includes('ran 6*7'),
  );

  const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  expect(await ready.json()).toMatchObject({
    ready: true,
    status: { slack: { ok: true, detail: expect.stringContaining('/slack/events') } },
  });
  expect(bot.log.some((line) => line['level'] === 'error')).toBe(false);
});

test('a command that Slack gave up while this process stood still does not run: its person was told that it failed', async () => {
  await using bot = await startSignedBot({ DEFAULT_LANGUAGE: 'python3' });
  const ana = playground.as('ana');
  const channel = playground.channel('#data').id;
  const body = `command=%2Fspark&text=lost()&user_id=${ana.user.id}&channel_id=${channel}&trigger_id=1.1.1&team_id=T0`;
  const headers = { ...signed(body, secret), 'content-type': 'application/x-www-form-urlencoded' };
  const lines = [
    'POST /slack/events HTTP/1.1',
    'host: localhost',
    `content-length: ${body.length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  process.kill(bot.pid, 'SIGSTOP');
  const slack = connect(Number(port), '127.0.0.1').end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  await once(slack, 'finish');
  process.kill(bot.pid, 'SIGCONT');
  expect(await ana.slash('#data', '/spark again()')).toMatchObject({ ok: true });
  await playground.waitForMessage('#data', ({ text }) => text.includes('ran again()'));
  expect(playground.messages('#data').map(({ text }) => text)).not.toContainEqual(
    expect.stringContaining('lost()'),
  );
});

test('an event that takes longer than Slack waits is answered 503, and its late end is no error', async () => {
  await using bot = await startSignedBot({ ALLOWED_USERS: 'U0NOBODY' });
  const held = playground.hold('chat.postEphemeral');
  playground.as('ana').post('#data', '@sparkthread `1`');
  await bot.untilLog(({ msg }) => String(msg).includes('not accepted in time'));
  held.release();
  await playground.waitForEphemeral('ana');
  await playground.waitForQuiet();
  expect(await bot.stop()).toBe(0);
  expect(bot.log.filter(({ level }) => level === 'error')).toEqual([]);
});

test('a body over Bolt’s limit is answered 413', async () => {
  await using bot = await startSignedBot();
  const body = JSON.stringify({ text: 'x'.repeat(4 * 2 ** 20) });
  expect((await post(body, signed(body, secret))).status).toBe(413);
  expect(bot.log.some((line) => line['level'] === 'error')).toBe(false);
});

test('a wrong or old signature is answered 401, and nothing runs', async () => {
  await using bot = await startSignedBot();
  const event = JSON.stringify({ type: 'event_callback', event: { type: 'app_mention', text: 'x' } });
  expect((await post(event, {})).status).toBe(401);
  expect((await post(event, signed(event, 'another-secret'))).status).toBe(401);
  expect((await post(event, signed(event, secret, Math.floor(Date.now() / 1000) - 600))).status).toBe(401);
  expect((await post('no json', signed('no json', secret))).status).toBe(400);
  expect(gateway.calls.some(({ method }) => method === 'POST')).toBe(false);
  expect(bot.log.some((line) => line['level'] === 'error')).toBe(false);
});

test('Slack’s notice that it holds events back is acknowledged, and a command without text opens the editor', async () => {
  await using bot = await startSignedBot();
  const notice = JSON.stringify({ type: 'app_rate_limited', team_id: 'T0', minute_rate_limited: 1 });
  expect((await post(notice, signed(notice, secret))).status).toBe(200);
  await bot.untilLog((line) => String(line['msg']).includes('app_rate_limited'));
  const ana = playground.user('ana').id;
  const channel = playground.channel('#data').id;
  const command = `command=%2Fspark&user_id=${ana}&channel_id=${channel}&trigger_id=1.1.1&team_id=T0`;
  const type = 'application/x-www-form-urlencoded';
  const answer = await post(command, { ...signed(command, secret), 'content-type': type });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe('');
  await playground.waitFor(() => playground.callsOf('views.open').length > 0);
});
