import { expect, test } from 'vitest';
import { startPlayground } from '../../../playground/playground.ts';
import { type Call, startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startBot } from '../../support/start-bot.ts';
import { runDoctor } from '../doctor/rig.ts';
import { fence, shown, startRealGateway, startRig } from './listeners-rig.ts';

const password = 'pa55-for-the-proxy';
const header = 'header-s3cret-value';

test('no log contains a token, password, code or output, and no message contains a secret', async () => {
  await using gateway = await startRealGateway();
  await using rig = await startRig(gateway, {
    DEFAULT_LANGUAGE: 'python3',
    LOG_LEVEL: 'trace',
    KG_HTTP_USER: 'proxy-user',
    KG_HTTP_PASS: password,
    KG_HEADERS: JSON.stringify({ 'x-api-key': header }),
  });
  const { playground, bot } = rig;
  const [ana, ben] = [playground.as('ana'), playground.as('ben')];

  // Every way in, with code and output that can be recognised in a log.
  const { answer } = await rig.slash('ana', '#data', '/spark print("out" + "putmark", "codemark")');
  const mentioned = ana.post('#data', fence('print("codemark")', '@sparkthread '));
  await rig.final('#data', mentioned.ts);
  ana.edit(mentioned, fence('raise ValueError("codemark")', '@sparkthread '));
  await rig.final('#data', mentioned.ts, ({ text }) => text.includes('ValueError'));
  const file = ana.upload('#data', { name: 'codemark.py', content: 'print("codemark")' }, '@sparkthread');
  await rig.final('#data', file.ts);
  await ana.press(answer, 'run:editAndRun');
  const modal = await playground.waitFor(() => ana.modal);
  await ana.submit(modal, { code0: 'print("codemark", 2)' });
  await rig.final('#data', answer.thread_ts ?? '', ({ ts }) => ts !== answer.ts);
  await ben.slash('#data', '/spark nosuchlanguage: codemark');
  for (const typed of ['status', 'kernels', 'history', 'languages', 'restart', 'shutdown']) {
    await ana.slash('#data', `/spark ${typed}`);
    if (typed === 'restart' || typed === 'shutdown')
      await bot.untilLog(({ audit, channel }) => audit === typed && channel === answer.channel);
  }
  ana.openHome();
  await playground.waitFor(() => ana.home);

  // Failures contain addresses and headers.
  playground.fail('chat.postEphemeral', { kind: 'status', status: 500 }, 2);
  await ben.slash('#data', '/spark kernels');
  await gateway[Symbol.asyncDispose]();
  const lost = ana.post('#general', fence('print("codemark")', '@sparkthread '));
  await playground.waitForReply('#general', lost.ts, (reply) => shown(reply).includes('Nothing has run yet'));
  ana.post('#general', '!stop', { thread: lost.ts });
  await rig.final('#general', lost.ts);
  await ana.slash('#data', '/spark status');
  await playground.waitForQuiet();
  await bot.stop();

  const { SLACK_BOT_TOKEN: botToken, SLACK_APP_TOKEN: appToken } = playground.environment;
  const basic = Buffer.from(`proxy-user:${password}`).toString('base64');
  const secrets = [botToken, appToken, gateway.token ?? '', password, header, basic];
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(8);
    expect(bot.lines.filter((line) => line.includes(secret))).toEqual([]);
    const posted = playground.calls.filter(({ args }) => JSON.stringify(args).includes(secret));
    expect(posted).toEqual([]);
  }
  expect(bot.lines.filter((line) => /codemark|outputmark/.test(line))).toEqual([]);
  const audit = bot.log.find((line) => line['audit'] === 'run' && line['source'] === 'slash');
  expect(audit).toMatchObject({
    user: playground.user('ana').id,
    workspace: 'T000HOME0',
    channel: answer.channel,
    source: 'slash',
    kernelspec: 'python3',
    language: 'python',
    kernel: expect.any(String),
    outcome: 'ok',
    durationMs: expect.any(Number),
    codeSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    codeLength: 'print("out" + "putmark", "codemark")'.length,
    time: expect.any(String),
  });
  expect(bot.log.filter((line) => line['audit'] === 'restart' || line['audit'] === 'shutdown')).toHaveLength(
    2,
  );
});

test('a gateway or a proxy whose refusal quotes our request does not bring its credentials into an answer', async () => {
  await using playground = await startPlayground();
  const gateway = await startScriptedGateway();
  const quoted = ({ headers, query }: Call): string =>
    `no: ${String(headers['x-api-key'])} ${headers.authorization} ${query.toString()}`;
  let refuses: 'start' | 'startInJson' | 'upgrade' = 'start';
  gateway.answer = (call) => {
    if (refuses === 'upgrade' ? !call.isUpgrade : call.method !== 'POST') return undefined;
    // Some libraries write a harmless character of JSON as an escape.
    const json = JSON.stringify({ message: quoted(call) }).replaceAll('=', '\\u003d');
    return { status: 409, body: refuses === 'startInJson' ? json : `<title>${quoted(call)}</title>` };
  };
  const token = "token!(s3cret)'value~";
  const settings = {
    KG_URL: gateway.httpUrl,
    KG_HTTP_USER: 'proxy-user',
    KG_HTTP_PASS: password,
    KG_AUTH_TOKEN: token,
    KG_HEADERS: JSON.stringify({ 'x-api-key': header }),
    STORE_URL: 'memory:',
  };
  await using bot = await startBot({ playground, gateway, environment: settings });
  const told: string[] = [];
  for (refuses of ['start', 'startInJson', 'upgrade'] as const) {
    const { ts } = playground.as('ana').post('#data', '@sparkthread `1+1`');
    told.push(shown(await playground.waitForReply('#data', ts, (reply) => shown(reply).includes('no: '))));
    told.push(...(await runDoctor({ ...playground.environment, ...settings })).failures);
  }
  await bot.stop();
  await gateway.close();
  expect(told.length).toBeGreaterThan(3);
  for (const text of told) {
    expect(text).toContain('[secret]');
    for (const secret of [btoa(`proxy-user:${password}`), 's3cret', header])
      expect(text).not.toContain(secret);
  }
});
