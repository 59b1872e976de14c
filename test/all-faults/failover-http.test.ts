import { createServer, request as send } from 'node:http';
import { expect, test } from 'vitest';
import { freePort } from '../../demo/jupyter-app.ts';
import { finalAnswer, finals } from '../support/ask.ts';
import { hasNoRedis, startFailover } from '../support/failover.ts';
import { listen } from '../support/sockets.ts';

const secret = 'the-signing-secret';
const DELIVERIES = 200;
/** How many runs are unfinished at most: more would starve Slack, the gateway and this test, which are one process. */
const UNFINISHED = 20;

/** A balancer without health checks: it sends each request to the next port, whether that process leads or not. */
async function startRoundRobin(ports: readonly number[]): Promise<AsyncDisposable & { url: string }> {
  let count = 0;
  const server = createServer((request, response) => {
    const to = ports[(count += 1) % ports.length];
    const { method, url: path, headers } = request;
    const passed = send({ host: '127.0.0.1', port: to, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    request.pipe(passed);
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}/slack/events`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

test.skipIf(hasNoRedis)(
  `signed HTTP behind a round-robin balancer: ${DELIVERIES} deliveries over two handovers, none lost, none twice`,
  async () => {
    const ports = [await freePort(), await freePort()];
    await using balancer = await startRoundRobin(ports);
    await using failover = await startFailover({
      requestUrl: balancer.url,
      signingSecret: secret,
      // Half of the attempts reach a process that refuses them. With this many, none is lost by chance.
      retryDelaysMs: [300, 1_000, ...Array.from({ length: 38 }, () => 3_000)],
    });
    const { playground, kernels, post } = failover;
    kernels.letRun();
    const http = {
      SLACK_APP_TOKEN: '',
      SLACK_SIGNING_SECRET: secret,
      QUEUE_LIMIT: '1000',
      USER_LIMIT: '1000',
    };
    const one = await failover.start({ ...http, PORT: String(ports[0]) });
    const two = await failover.start({ ...http, PORT: String(ports[1]) });
    const channels = Array.from({ length: 10 }, (_, index) => playground.addChannel(`balanced-${index}`).id);
    const handovers = (async () => {
      await playground.waitFor(() => playground.deliveries.length > DELIVERIES / 2);
      await one.stop();
      await two.untilLeader();
      await one.restart();
      await two.stop();
      await one.untilLeader();
      await two.restart();
    })();
    const posts: { channel: string; ts: string }[] = [];
    for (let index = 0; index < DELIVERIES; index += 1) {
      const before = posts.at(-UNFINISHED);
      if (before !== undefined) await finalAnswer(playground, before.channel, before.ts);
      const channel = channels[index % channels.length] ?? '';
      posts.push({ channel, ts: post(channel, `snippet(${index})`) });
    }
    await handovers;
    do {
      playground.retryNow();
      await playground.waitForQuiet();
    } while (playground.service.deliveries.pendingRetries > 0);
    const outcomes = new Set<string>();
    for (const { channel, ts } of posts) outcomes.add((await finalAnswer(playground, channel, ts)).outcome);
    expect([...outcomes]).toEqual(['ok']);
    const codes = kernels.begun.map(({ code }) => code);
    expect(codes).toHaveLength(DELIVERIES);
    expect(new Set(codes).size).toBe(DELIVERIES);
    await playground.waitForQuiet();
    for (const { channel, ts } of posts) {
      expect(finals(playground, channel, ts)).toHaveLength(1);
      expect(playground.replies(channel, ts)).toHaveLength(1);
    }
    const refused = playground.deliveries.filter(({ state }) => state === 'failed').length;
    expect(refused).toBeGreaterThan(0);
    console.log(`${DELIVERIES} deliveries, ${refused} answered with a refusal and repeated`);
  },
);
