import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SlackMessage } from '../../../playground/messages.ts';
import { silentLog } from '../../../src/log.ts';
import { readRunData, type Run, type RunData } from '../../../src/runs/run.ts';
import { entriesOf } from '../../../src/store/keyv.ts';
import { openStore } from '../../../src/store/open.ts';
import { summarizeCode } from '../../../src/store/run-reader.ts';
import type { Store } from '../../../src/store/store.ts';
import type { World } from './chance-actions.ts';

/** What is wrong in a world in which everything has ended: Slack, the store, the kernels, the disk and the logs have to agree. */
export async function judge(world: World, url: string): Promise<string[]> {
  const store = await openStore<RunData>({ url, log: silentLog, readData: readRunData });
  try {
    const { playground, channels } = world;
    const { teamId } = playground.service.world;
    const listed = await Promise.all(
      channels.map((channel) => store.runs.newest('channel', [teamId, channel], 1_000)),
    );
    const runs = listed.flatMap((each) => each.toReversed());
    const answers = channels
      .flatMap((channel) => playground.messages(channel))
      .filter(({ metadata }) => metadata?.event_type === 'sparkthread_answer');
    return [
      ...faultsOnKernels(world, runs),
      ...faultsOfAnswers(world, answers, runs),
      ...faultsOfRuns(world, answers, runs),
      ...faultsOfFiles(world, runs),
      ...faultsOfMessages(world, answers, runs),
      ...(await leftOver(world, store, runs)),
      ...faultsInLogs(world),
    ];
  } finally {
    await store.close();
  }
}

const shaOf = (blocks: readonly string[]): string => summarizeCode(blocks).codeSha256;

/** Never executed more often than accepted, and in the order of acceptance. */
function faultsOnKernels({ written, kernels, bots }: World, runs: readonly Run[]): string[] {
  const log = bots.flatMap((bot) => bot.log);
  const accepted = log.filter(({ event }) => event === 'run.accepted').map(({ codeSha256 }) => codeSha256);
  const timesAccepted = (sha: string) => accepted.filter((each) => each === sha).length;
  const twice = written.flatMap((blocks) => {
    // A process may have been killed before it wrote the line.
    const most = Math.max(1, timesAccepted(shaOf(blocks)));
    return blocks.filter((block) => (kernels.done.get(block)?.times ?? 0) > most);
  });
  const begun = [...kernels.done.keys()];
  const disorder = [...new Set(runs.map(({ queue }) => queue))].flatMap((queue) => {
    const ran = runs
      // One that asks whether to switch loses its place, and code that ran again has two.
      .filter(({ data }) => data.switchAskedAt === undefined && timesAccepted(data.codeSha256) < 2)
      .filter((run) => run.queue === queue)
      .map(({ data }) => written.find((blocks) => shaOf(blocks) === data.codeSha256)?.[0] ?? '')
      .filter((block) => kernels.done.has(block));
    return ran.filter((block, at) => at > 0 && begun.indexOf(block) < begun.indexOf(ran[at - 1] ?? ''));
  });
  return [...twice.map((block) => `sent again: ${block}`), ...disorder.map((block) => `too early: ${block}`)];
}

const isAnswerOf = ({ data, channel }: Run, answer: SlackMessage): boolean =>
  data.messageTs === answer.ts && channel === answer.channel;

/** Each answer is final, shows the end that the store has, and only what its own run has printed. */
function faultsOfAnswers(world: World, answers: readonly SlackMessage[], runs: readonly Run[]): string[] {
  return answers.flatMap((answer) => {
    const { state, outcome } = answer.metadata?.event_payload ?? {};
    // The newest run of an edited message shows its end.
    const run = runs.findLast((each) => isAnswerOf(each, answer));
    if (run !== undefined && isRefused(world, run)) return [];
    const kind = run?.data.outcome?.kind;
    const printed = run === undefined ? '' : printedBy(world, run);
    const shown = JSON.stringify(answer.blocks).match(/\d+:\d+,/g) ?? [];
    const wrong = {
      [String(state)]: state !== 'final',
      'no run': run === undefined,
      [`${String(outcome)}, but ${kind}`]: outcome !== kind,
      broken: kind === 'broken',
      'text of another run': run !== undefined && shown.some((piece) => !printed.includes(piece)),
    };
    return Object.entries(wrong).flatMap(([what, isIt]) => (isIt ? `answer: ${what}: ${answer.text}` : []));
  });
}

/** Each run has one answer, which it may share with the runs before an edit. */
function faultsOfRuns(world: World, answers: readonly SlackMessage[], runs: readonly Run[]): string[] {
  return runs.flatMap((run) => {
    const count = answers.filter((answer) => isAnswerOf(run, answer)).length;
    const { outcome, erased } = run.data;
    if (count === (erased === true ? 0 : 1) || isRefused(world, run)) return [];
    return `${count} answers: ${run.id} ${outcome?.kind}`;
  });
}

/** Slack has refused the final message, and the requester was told. */
function isRefused({ bots }: World, { id }: Run): boolean {
  return bots.some(({ log }) => log.some(({ event, run }) => event === 'run.undelivered' && run === id));
}

/** Each file belongs to a run, and has only what that run has printed. */
function faultsOfFiles(world: World, runs: readonly Run[]): string[] {
  const { playground, channels, bots } = world;
  // One that was never shared is seen by nobody, and a refused answer goes to its requester.
  const attached = playground.files.filter(
    ({ file }) => file.user === playground.bot.id && file.channels.some((each) => channels.includes(each)),
  );
  // What a process sent before it was killed, and could not note, is not found if its run is deleted then.
  const wasKilled = bots.some(({ log }) => log.filter(({ event }) => event === 'bot.starting').length > 1);
  const strange = attached.flatMap(({ file, bytes }) => {
    const run = runs.find(({ data }) => data.files?.includes(file.id) === true);
    if (run === undefined)
      return wasKilled ? [] : `a file of no run: ${file.name} ${bytes.toString().slice(0, 20)}`;
    const pieces = bytes.toString().match(/\d+:\d+,/g) ?? [];
    const printed = printedBy(world, run);
    return pieces.some((piece) => !printed.includes(piece)) ? `a file of another run: ${file.name}` : [];
  });
  const lost = runs
    .filter((run) => run.data.erased !== true && !runs.some(({ data }) => data.follows === run.id))
    .flatMap(({ data }) => data.files ?? [])
    .filter((id) => !attached.some(({ file }) => file.id === id));
  return [...strange, ...lost.map((id) => `no such file: ${id}`)];
}

function printedBy({ kernels, written }: World, { data }: Run): string {
  const blocks = written.find((each) => shaOf(each) === data.codeSha256) ?? [];
  return blocks.map((block) => kernels.done.get(block)?.printed).join('');
}

/** Each message with code was accepted or refused in words, and a deleted one has no answer any more. */
function faultsOfMessages(
  { sent, bots, playground }: World,
  answers: readonly SlackMessage[],
  runs: readonly Run[],
): string[] {
  return sent.flatMap(({ message: { channel, ts }, person, isDeleted, codes }) => {
    const own = runs.filter(({ data }) => data.message?.endsWith(`/${channel}/${ts}`) === true);
    // A run that was erased is in the log only, and so is a refusal (Slack did not say who somebody is).
    const isInLog = bots.some(({ log }) =>
      log.some(({ event, thread }) => /^run\.(?:accepted|refused)$/.test(String(event)) && thread === ts),
    );
    const isTold = playground.ephemerals(person).some(({ thread_ts }) => thread_ts === ts);
    if (!isDeleted) return own.length === 0 && !isInLog && !isTold ? `lost: ${codes.join()}` : [];
    const isAnswered = own.some((run) => answers.some((answer) => isAnswerOf(run, answer)));
    return isAnswered ? `deleted, but answered: ${codes.join()}` : [];
  });
}

/** Nothing stays on disk, in the store or on the gateway of what is over. */
async function leftOver(
  { bots, gateway }: World,
  store: Store<RunData>,
  runs: readonly Run[],
): Promise<string[]> {
  const left: string[] = [];
  const spools = bots.map(({ folder }) => join(folder, 'spool'));
  for (const spool of spools) left.push(...(await readdir(spool).catch(() => [])));
  for await (const [key] of entriesOf(store.keyv('notebook')))
    if (!runs.some(({ data }) => data.requestKey === key)) left.push(`notebook ${key}`);
  const known: string[] = [];
  for await (const [, stored] of entriesOf(store.keyv('kernel'))) known.push(JSON.stringify(stored));
  for (const { id, isDeleted } of gateway.kernels.values())
    if (!isDeleted && !known.some((record) => record.includes(id))) left.push(`kernel ${id}`);
  return left.map((what) => `left: ${what}`);
}

function faultsInLogs({ bots }: World): string[] {
  return bots
    .flatMap(({ log }) => log)
    .filter(({ level, event }) => level === 'error' && event !== 'slack.failed')
    .map((line) => `log: ${JSON.stringify(line).slice(0, 500)}`);
}
