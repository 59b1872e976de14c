import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPlayground } from '../playground/playground.ts';
import { silentLog } from '../src/log.ts';
import { wholeText, type OutputPart } from '../src/output/output-view.ts';
import { readRunData, type Run } from '../src/runs/run.ts';
import { createDownload } from '../src/slack/api/files.ts';
import { type Bot, createListenerMemory } from '../src/slack/context.ts';
import { createThreads } from '../src/slack/exports/threads.ts';
import { exportRuns } from '../src/slack/listeners/commands/export.ts';
import { createRunMessages } from '../src/slack/messages/run-messages.ts';
import { summarizeCode } from '../src/store/run-reader.ts';

/**
 * How long a thread's export takes, from the command to the file in Slack: 50 runs, 20 of them with a picture of 100 kB, on
 * the local Slack without its rates. Slack's own time for each call comes on top.
 */

const RUNS = 50;
const PICTURES = 20;
const PICTURE_BYTES = 100_000;

await using playground = await startPlayground({ rates: false });
const folder = await mkdtemp(join(tmpdir(), 'sparkthread-bench-'));
const { SLACK_BOT_TOKEN: token, SLACK_API_URL: slackApiUrl } = playground.environment;
const messages = createRunMessages({ botToken: token, apiUrl: slackApiUrl, log: silentLog, isFresh: true });
const root = playground.as('ana').post('#data', 'a thread');
const runs: Run[] = [];
for (let n = 0; n < RUNS; n += 1) runs.push(await showRun(n));

const told: string[] = [];
const noRights = { isWorkspaceAdmin: false, isGuest: false, isExternal: false };
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an export asks for no more of it
const bot = {
  workspace: 'T1',
  workspaceUrl: 'https://example.slack.com/',
  log: silentLog,
  memory: createListenerMemory(),
  threads: createThreads(messages.client, createDownload(token, slackApiUrl, fetch)),
  channels: { find: async () => ({ name: 'data' }) },
  users: { find: async (id: string) => ({ id, name: 'ana' }) },
  notify: { person: async (_: unknown, text: string) => void told.push(text) },
  runs: { code: async () => ['print("something")'], newest: async () => runs.toReversed() },
} as unknown as Bot;
const person = { id: 'U1', ids: ['U1'], name: 'ana', isBot: false, isUnknown: false, ...noRights };
for (let round = 1; round <= 3; round += 1) {
  const before = playground.files.length;
  const startedAt = performance.now();
  await exportRuns('thread', person, { channel: root.channel, thread: root.ts }, bot);
  const { bytes } = await playground.waitFor(() => playground.files[before]);
  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(
    `${RUNS} runs, ${PICTURES} pictures: ${seconds.toFixed(2)} s, ${bytes.length} bytes ${told.join(' ')}\n`,
  );
}
await messages.close();
await rm(folder, { recursive: true, force: true });
process.exit();

/** A run whose final message is in the thread, with its picture. */
async function showRun(n: number): Promise<Run> {
  const id = `run-${n}`;
  const message = messages.open({
    runId: id,
    requester: 'U1',
    channel: root.channel,
    createdAt: Date.now(),
    thread: root.ts,
    root: undefined,
    messageTs: undefined,
    predecessor: undefined,
    recovered: false,
    onThread: () => undefined,
    onPosted: () => undefined,
  });
  const parts: OutputPart[] = [
    { kind: 'text', source: 'stdout', text: wholeText(`output of run ${n}`), path: undefined },
  ];
  if (n < PICTURES) {
    const path = join(folder, `${n}.png`);
    await writeFile(path, Buffer.alloc(PICTURE_BYTES, n));
    parts.push({ kind: 'image', mime: 'image/png', path, alt: 'a plot' });
  }
  const outcome = {
    kind: 'ok',
    durationMs: 1,
    kernelspec: 'python3',
    variablesLost: false,
    possibleGap: false,
  } as const;
  const result = await message.finish({
    runId: id,
    requester: 'U1',
    kernelspec: 'python3',
    phase: { kind: 'ended', outcome },
    output: { parts, textBytes: 0, spoolPath: undefined, limited: false, losses: [] },
    notes: [],
    edition: 1,
    actions: ['runAgain'],
  });
  if (!result.delivered) throw new Error(result.reason);
  const data = {
    ...readRunData(undefined),
    ...summarizeCode(['x']),
    kernelspec: 'python3',
    language: 'python',
    outcome,
  };
  return {
    id,
    workspace: 'T1',
    channel: root.channel,
    thread: root.ts,
    queue: 'q',
    requester: 'U1',
    state: 'posted',
    order: n,
    createdAt: Date.now(),
    updatedAt: Date.now(),
    data: {
      ...data,
      isUnreadable: false,
      ...(result.messageTs === undefined ? {} : { messageTs: result.messageTs }),
      files: result.files ?? [],
    },
  };
}
