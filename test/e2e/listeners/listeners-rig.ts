import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll } from 'vitest';
import { startKernelGateway } from '../../../demo/gateway.ts';
import type { SlackMessage } from '../../../playground/messages.ts';
import { type Playground, startPlayground } from '../../../playground/playground.ts';
import type { PlaygroundOptions } from '../../../playground/settings.ts';
import { provisioned } from '../../support/backends/provisioned.ts';
import { startBot, type StartedBot } from '../../support/start-bot.ts';

export interface Gateway {
  httpUrl: string;
  token?: string;
}

/** A bot in a workspace of its own. Everything ends with the scope. */
export interface Rig extends AsyncDisposable {
  playground: Playground;
  bot: StartedBot;
  /** The final answer of the thread's newest run. */
  final(channel: string, thread: string, fits?: (reply: SlackMessage) => boolean): Promise<SlackMessage>;
  /** Runs code by a slash command; gives the root message and its final answer. */
  slash(user: string, channel: string, typed: string): Promise<{ root: SlackMessage; answer: SlackMessage }>;
}

/** The real Kernel Gateway 3 with real kernels. */
export async function startRealGateway(): Promise<Gateway & AsyncDisposable> {
  const gateway = await startKernelGateway({ provisioned: await provisioned() });
  return {
    httpUrl: gateway.url,
    token: gateway.token,
    [Symbol.asyncDispose]: async () => await gateway[Symbol.asyncDispose](),
  };
}

export async function startRig(
  gateway: Gateway,
  environment: Readonly<Record<string, string>> | ((playground: Playground) => Record<string, string>) = {},
  options: PlaygroundOptions = {},
): Promise<Rig> {
  const playground = await startPlayground(options);
  const settings = typeof environment === 'function' ? environment(playground) : environment;
  const bot = await startBot({ playground, gateway, environment: settings });
  const final: Rig['final'] = async (channel, thread, fits = () => true) => {
    const reply = await playground.waitForReply(
      channel,
      thread,
      (candidate) => isFinal(candidate) && fits(candidate),
    );
    // The log comes through a pipe of its own, so wait until its lines about this run have arrived.
    const run = reply.metadata?.event_payload?.['run'];
    await bot.untilLog((line) => line['audit'] === 'run' && line['run'] === run);
    return reply;
  };
  return {
    playground,
    bot,
    final,
    async slash(user, channel, typed) {
      const seen = new Set(playground.messages(channel).map(({ ts }) => ts));
      const reaction = await playground.as(user).slash(channel, typed);
      if (!reaction.ok) throw new Error(`not acknowledged: ${reaction.error}`);
      const root = await playground.waitForMessage(
        channel,
        ({ ts, metadata }) => !seen.has(ts) && metadata?.event_type === 'sparkthread_root',
      );
      return { root, answer: await final(channel, root.ts) };
    },
    async [Symbol.asyncDispose]() {
      await bot[Symbol.asyncDispose]();
      await playground.stop();
    },
  };
}

/** One rig on a real gateway for all tests of a file, given away before the first one; both end after the last one. */
export function useRealRig(
  environment: Readonly<Record<string, string>>,
  take: (rig: Rig, gateway: Gateway) => void,
): void {
  const started = new AsyncDisposableStack();
  beforeAll(async () => {
    const gateway = started.use(await startRealGateway());
    take(started.use(await startRig(gateway, environment)), gateway);
  });
  afterAll(async () => await started.disposeAsync());
}

export function isFinal({ metadata }: SlackMessage): boolean {
  return metadata?.event_payload?.['state'] === 'final';
}

/** The answer's buttons, by their beginnings. */
export function buttonsOf(message: SlackMessage): string[] {
  return (
    JSON.stringify(message.blocks ?? [])
      .match(/"action_id":"[^"]+"/g)
      ?.map((found) => found.slice('"action_id":"'.length, -1)) ?? []
  );
}

/** Everything that a message shows, including its blocks. */
export function shown(message: { text: string; blocks?: unknown }): string {
  return `${message.text}\n${JSON.stringify(message.blocks ?? [])}`;
}

export function fence(code: string, before = ''): string {
  return `${before}\`\`\`\n${code}\n\`\`\``;
}

/** Makes all kernels unused for this long. The bot has to be dead, because only it may have the file open. */
export function ageKernels(bot: StartedBot, byMs: number): void {
  const db = new DatabaseSync(join(bot.folder, 'sparkthread.db'));
  const kept = db.prepare("SELECT namespace, key, value FROM keyv WHERE value LIKE '%lastUsedAt%'").all();
  const write = db.prepare('UPDATE keyv SET value = ? WHERE namespace = ? AND key = ?');
  for (const { namespace, key, value } of kept) {
    const aged = String(value).replaceAll(
      /"(lastUsedAt|warnedAt)":(\d+)/g,
      (_, name: string, atMs: string) => `"${name}":${Number(atMs) - byMs}`,
    );
    write.run(aged, String(namespace), String(key));
  }
  db.close();
}
