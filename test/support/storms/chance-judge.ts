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
      ...faultsOfRuns(answers, runs),
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
function faultsOnKernels({ written, kernels, bots, channels }: World, runs: readonly Run[]): string[] {
  const log = bots.flatMap((bot) => bot.log);
  const accepted = log.filter(({ event }) => event === 'run.accepted').map(({ codeSha256 }) => codeSha256);
  const twice = written.flatMap((blocks) => {
    // A process may have been killed before it wrote the line.
    const most = Math.max(1, accepted.filter((sha) => sha === shaOf(blocks)).length);
    return blocks.filter((block) => (kernels.done.get(block)?.times ?? 0) > most);
  });
  const begun = [...kernels.done.keys()];
  const disorder = channels.flatMap((channel) => {
    const first = runs
      .filter((run) => run.channel === channel)
      .map(({ data }) => written.find((blocks) => shaOf(blocks) === data.codeSha256)?.[0] ?? '');
    const once = first.filter(
      (block, at) => first.indexOf(block) === at && kernels.done.get(block)?.times === 1,
    );
    return once.filter((block, at) => at > 0 && begun.indexOf(block) < begun.indexOf(once[at - 1] ?? ''));
  });
  return [...twice.map((block) => `sent again: ${block}`), ...disorder.map((block) => `too early: ${block}`)];
}

const isAnswerOf = ({ data, channel }: Run, answer: SlackMessage): boolean =>
  data.messageTs === answer.ts && channel === answer.channel;

/** Each answer is final, shows the end that the store has, and only what its own run has printed. */
function faultsOfAnswers(
  { kernels, written }: World,
  answers: readonly SlackMessage[],
  runs: readonly Run[],
): string[] {
  return answers.flatMap((answer) => {
    const { state, outcome } = answer.metadata?.event_payload ?? {};
    // The newest run of an edited message shows its end.
    const run = runs.findLast((each) => isAnswerOf(each, answer));
    const kind = run?.data.outcome?.kind;
    const blocks = written.find((each) => shaOf(each) === run?.data.codeSha256) ?? [];
    const printed = blocks.map((block) => kernels.done.get(block)?.printed).join('');
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
function faultsOfRuns(answers: readonly SlackMessage[], runs: readonly Run[]): string[] {
  return runs.flatMap((run) => {
    const count = answers.filter((answer) => isAnswerOf(run, answer)).length;
    const { outcome, erased } = run.data;
    return count === (erased === true ? 0 : 1) ? [] : `${count} answers: ${run.id} ${outcome?.kind}`;
  });
}

/** Each message with code was accepted or refused in words, and a deleted one has no answer any more. */
function faultsOfMessages(
  { sent, bots }: World,
  answers: readonly SlackMessage[],
  runs: readonly Run[],
): string[] {
  return sent.flatMap(({ message: { channel, ts }, isDeleted, codes }) => {
    const own = runs.filter(({ data }) => data.message?.endsWith(`/${channel}/${ts}`) === true);
    // A run that was erased is in the log only, and so is a refusal (Slack did not say who somebody is).
    const isInLog = bots.some(({ log }) =>
      log.some(({ event, thread }) => /^run\.(?:accepted|refused)$/.test(String(event)) && thread === ts),
    );
    if (!isDeleted) return own.length === 0 && !isInLog ? `lost: ${codes.join()}` : [];
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
  // A standby deletes what it has of its last lead when it leads again.
  const spools = bots.length > 1 ? [] : bots.map(({ folder }) => join(folder, 'spool'));
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
