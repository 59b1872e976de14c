import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import * as fc from 'fast-check';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { newCellId, type PostedNotebook } from '../../src/notebooks/model.ts';
import type { OutputView } from '../../src/output/output-view.ts';
import type { SnippetRequest } from '../../src/runs/admission/new-run.ts';
import { isUndecided } from '../../src/runs/run.ts';
import type { LiveRun } from '../../src/runs/session/run/live-run.ts';
import { entriesOf } from '../../src/store/keyv.ts';
import { BusyKernels, type Cell, patientTimings } from '../support/busy-kernels.ts';
import type { ScriptedGateway, ScriptedKernel } from '../support/scripted-gateway.ts';
import { type SessionRig, startSessionRig } from '../support/session-rig.ts';
import { silent } from '../support/store-faults.ts';

/**
 * Processes of the bot while people submit, edit, delete, stop, answer, switch, restart and shut down, and while store,
 * gateway, kernels, Slack and the processes themselves fail: each accepted run ends once and truly, what was refused does
 * not run, and no kernel is left behind.
 */

const PEOPLE = ['stop', 'erase', 'edit', 'switch', 'restart', 'shutDown', 'keep', 'agree', 'answer'] as const;
const KERNELS = ['drop', 'hangUp', 'cut', 'crash', 'delete', 'forget'] as const;
const REQUESTS = ['404', '500', '502', 'hang', 'reset', 'lost', 'slow'] as const;
const STORE = ['storeAway', 'storeLost', 'storeSlow'] as const;
const PROCESS = ['closed', 'killed', 'replaced', 'unsure', 'emptied', 'slackAway', 'slackSlow'] as const;

const cell = fc.record({
  pausesMs: fc.array(fc.nat(60), { maxLength: 5 }),
  ends: fc.constantFrom('ok' as const, 'ok' as const, 'raised' as const, 'asks' as const, 'ignores' as const),
});
const plans = fc.record({
  implementation: fc.constantFrom('ipython', 'xpython', 'IRkernel'),
  several: fc.boolean(),
  idleTimeoutMs: fc.constantFrom(10_000, 300),
  /** RUN_TIMEOUT and INPUT_TIMEOUT. */
  limitMs: fc.constantFrom(60_000, 60_000, 150),
  snippets: fc.array(
    fc.record({
      afterMs: fc.nat(150),
      channel: fc.constantFrom('C1', 'C1', 'C2'),
      language: fc.constantFrom('python3', 'python3', 'scala-spark'),
      isNotebook: fc.boolean(),
      /** A command that is not accepted is not repeated, as an event is. */
      isCommand: fc.boolean(),
      cells: fc.array(cell, { minLength: 1, maxLength: 2 }),
    }),
    { minLength: 2, maxLength: 6 },
  ),
  trouble: fc.array(
    fc.record({
      afterMs: fc.nat(250),
      act: fc.constantFrom(...PEOPLE, ...PEOPLE, ...KERNELS, ...REQUESTS, ...STORE, ...PROCESS),
      forMs: fc.nat(400),
      /** Which snippet it is about, and which of the requests it hits: each, every second or every third. */
      of: fc.nat(5),
      every: fc.integer({ min: 1, max: 3 }),
    }),
    { minLength: 1, maxLength: 7 },
  ),
});
type Plan = typeof plans extends fc.Arbitrary<infer P> ? P : never;
type Trouble = Plan['trouble'][number];

/** What a person has sent, and what came of it as far as that person knows. */
interface Sent {
  request: SnippetRequest;
  /** The code of its first version and of each edit that may have taken its place. */
  versions: string[][];
  is: 'sent' | 'refused' | 'refused by a process that died' | 'stopped' | 'erased';
}

/** After this time a process has withdrawn what it refused. */
const WITHDRAWN_MS = 1_500;
const PEACE_MS = 60_000;
const CHANNELS = ['C1', 'C2'] as const;

class World {
  readonly faults: string[] = [];
  /**
   * A process was killed or replaced. It writes no more to the store, but it and its successor have the same files: each may
   * find none where the other has posted the output and removed it.
   */
  hasDied = false;
  readonly #rig: SessionRig;
  readonly #kernels: BusyKernels;
  readonly #several: boolean;
  readonly #hasLimit: boolean;
  readonly #sent: Sent[] = [];
  /** The kinds of outcome that Slack was given for each run. */
  readonly #finals = new Map<string, Set<string>>();
  /** What each run's final message has last shown of its output, in the answer and in the executed notebook. */
  readonly #texts = new Map<string, string[]>();
  /** Runs whose message says that output may be missing. The outcome says it only of the last cell. */
  readonly #gaps = new Set<string>();
  /** Refused, and perhaps not withdrawn from the store yet. */
  readonly #unwithdrawn = new Set<Sent>();
  readonly #submitting = new Set<Promise<unknown>>();
  #codes = 0;
  #isSlackAway = false;
  #slackMs = 0;
  #replacing: Promise<void> = Promise.resolve();

  constructor(
    rig: SessionRig,
    kernels: BusyKernels,
    { several, limitMs }: Pick<Plan, 'several' | 'limitMs'>,
  ) {
    this.#rig = rig;
    this.#kernels = kernels;
    this.#several = several;
    this.#hasLimit = limitMs < 1_000;
    rig.gateway.onStart = (kernel) => kernels.teach(kernel);
    rig.onRemove = () => !this.#isSlackAway;
    rig.onFinish = async ({ runId, phase, output }) => {
      await delay(this.#slackMs);
      if (this.#isSlackAway) return { delivered: false, reason: 'away', isRefused: false };
      this.#texts.set(runId, await textsOf(output));
      if (output?.losses.some((loss) => loss.kind === 'gap') === true) this.#gaps.add(runId);
      const kinds = this.#finals.get(runId) ?? new Set();
      this.#finals.set(runId, kinds.add(phase.kind === 'ended' ? phase.outcome.kind : phase.kind));
      return { delivered: true, messageTs: '2.0' };
    };
  }

  #write(cells: readonly Cell[], channel: string, language: string): string[] {
    const queue = this.#several ? `${channel} ${language}` : channel;
    return cells.map((each) => JSON.stringify({ number: (this.#codes += 1), queue, ...each }));
  }

  /** Sends a snippet as a listener does: Slack repeats an event until it is accepted. */
  async submit({ channel, language, isNotebook, isCommand, cells }: Plan['snippets'][number]): Promise<void> {
    const rig = this.#rig;
    const blocks = this.#write(cells, channel, language);
    const notebook = isNotebook ? notebookOf(blocks) : undefined;
    const sent: Sent = {
      request: rig.request('', { channel, snippet: { language, blocks, notebook } }),
      versions: [blocks],
      is: 'sent',
    };
    this.#sent.push(sent);
    for (;;) {
      await this.#replacing;
      const { admission } = rig;
      try {
        const submitting = admission.submit(sent.request, AbortSignal.timeout(200));
        this.#submitting.add(submitting);
        await submitting.finally(() => this.#submitting.delete(submitting));
        return;
      } catch (error) {
        this.#mayThrow(error, 'submit');
        if (isCommand && admission === rig.admission) return this.#noteRefused(sent);
        await delay(100);
      }
    }
  }

  #noteRefused(sent: Sent): void {
    sent.is = 'refused';
    this.#unwithdrawn.add(sent);
    setTimeout(() => this.#unwithdrawn.delete(sent), WITHDRAWN_MS);
  }

  #mayThrow(error: unknown, what: string): void {
    const name = error instanceof Error ? error.name : '';
    if (!['UserError', 'GatewayError', 'StoreError', 'TimeoutError'].includes(name))
      this.faults.push(`${what}: ${String(error)}`);
  }

  #unfinished(): LiveRun[] {
    return CHANNELS.flatMap((channel) => this.#rig.kernels.unfinished('T1', channel));
  }

  #liveOf({ request }: Sent): LiveRun | undefined {
    return this.#unfinished().find(({ run }) => run.data.requestKey === request.requestKey);
  }

  async make(trouble: Trouble): Promise<void> {
    const { act, forMs, of } = trouble;
    if (isOneOf(KERNELS, act)) {
      for (const kernel of this.#rig.gateway.kernels.values())
        if (!kernel.isDeleted) this.#breakKernel(kernel, act, forMs);
      return;
    }
    const sent = this.#sent[of % this.#sent.length];
    if (isOneOf(PEOPLE, act) && sent !== undefined)
      return await this.#ask(act, sent).catch((error: unknown) => this.#mayThrow(error, act));
    if (isOneOf(REQUESTS, act)) return await this.#breakRequests(trouble);
    if (act === 'closed' || act === 'killed' || act === 'replaced') {
      this.hasDied ||= act !== 'closed';
      for (const each of act === 'closed' ? [] : this.#unwithdrawn)
        each.is = 'refused by a process that died';
      this.#replacing = this.#replacing.then(async () => {
        // A process that ends in order answers first what it has taken.
        if (act === 'closed') await Promise.allSettled(this.#submitting);
        await this.#rig.replace(act);
      });
      return await this.#replacing;
    }
    await this.#breakRest(act, forMs);
  }

  async #breakRest(act: Trouble['act'], forMs: number): Promise<void> {
    const rig = this.#rig;
    const { faults } = rig;
    if (act === 'emptied') return rig.kernels.notifyLost();
    if (act === 'unsure') rig.isSure = () => false;
    if (act === 'slackAway') this.#isSlackAway = true;
    if (act === 'slackSlow') this.#slackMs = forMs;
    if (act === 'storeAway') faults.before = () => Promise.reject(silent());
    if (act === 'storeLost') faults.after = () => Promise.reject(silent());
    if (act === 'storeSlow')
      faults.before = async () => {
        await delay(forMs);
        // The store refuses what comes from a process that is the leader no more.
        if (faults !== rig.faults) throw silent();
      };
    await delay(forMs);
    rig.isSure = () => true;
    this.#isSlackAway = false;
    this.#slackMs = 0;
    // One that was replaced has lost the store for good.
    if (faults === rig.faults) Object.assign(faults, { before: () => undefined, after: () => undefined });
  }

  #breakKernel(kernel: ScriptedKernel, act: (typeof KERNELS)[number], ms: number): void {
    if (act === 'hangUp') kernel.hangUp([1000, 1001, 1005, 1011, 1012, 4000][ms % 6] ?? 1000);
    if (act === 'cut') kernel.cut();
    if (act === 'crash') void this.#kernels.crash(kernel, ms);
    if (act === 'delete' || act === 'forget') kernel.isDeleted = true;
    if (act === 'drop' || act === 'forget') kernel.drop();
  }

  async #breakRequests({ act, forMs, every }: Trouble): Promise<void> {
    const { gateway } = this.#rig;
    let count = 0;
    gateway.answer = async ({ isUpgrade, method }) => {
      count += 1;
      if (count % every !== 0) return undefined;
      if (act === 'slow') await delay(forMs);
      // A kernel that cannot be deleted stays.
      if (act === 'slow' || (act !== '502' && /^\d/.test(act) && method === 'DELETE')) return undefined;
      // An upgrade without an answer is waited for as long as a kernel's start.
      if (act === 'hang') return isUpgrade ? undefined : 'hang';
      if (act === 'reset' || act === 'lost') return act;
      return { status: Number(act), body: '<html>page</html>' };
    };
    await delay(forMs);
    gateway.answer = () => undefined;
  }

  /** Somebody asks for something about this snippet or the channel's kernels. */
  async #ask(act: (typeof PEOPLE)[number], sent: Sent): Promise<void> {
    const { kernels, control, runs } = this.#rig;
    const live = this.#liveOf(sent);
    if (act === 'restart' || act === 'shutDown') {
      await Promise.all(kernels.records('T1').map((record) => control[act](record)));
      return;
    }
    if (act === 'keep') {
      for (const { queue, kernelId } of kernels.records('T1')) control.keep(queue, kernelId);
      return;
    }
    if (live === undefined) return;
    const { id } = live.run.data.inputRequest ?? {};
    if (act === 'answer' && id !== undefined) await control.answerInput(live.run, id, 'x');
    if (act === 'agree' && isUndecided(live.run)) control.agreeToSwitch(live.run, 'U1');
    if (act === 'edit') await this.#edit(sent, live, 'python3');
    if (act === 'switch') await this.#edit(sent, live, 'scala-spark');
    if (
      act === 'stop' &&
      kernels.session(live.run).stop(live, { kind: 'asked', by: 'U1' }) &&
      sent.is === 'sent'
    )
      sent.is = 'stopped';
    if (act === 'erase') {
      sent.is = 'erased';
      await runs.erase(live.run);
    }
  }

  async #edit(sent: Sent, { run }: LiveRun, language: string): Promise<void> {
    const blocks = this.#write([{ pausesMs: [10], ends: 'ok' }], run.channel, language);
    sent.versions.push(blocks);
    const notebook = run.data.notebook === undefined ? undefined : notebookOf(blocks);
    const isReplaced = await this.#rig.admission.replaceWaiting(run, {
      snippet: { language, blocks, notebook },
      editedTs: '1',
    });
    sent.versions = isReplaced ? [blocks] : sent.versions.filter((each) => each !== blocks);
  }

  /** Everybody answers what is asked until all runs have ended, and the last process is replaced in order. */
  async end(): Promise<void> {
    const rig = this.#rig;
    const isOver = AbortSignal.timeout(PEACE_MS);
    while (this.#unfinished().length > 0 || rig.kernels.counts.unposted > 0) {
      for (const sent of this.#sent) {
        await this.make({ act: 'agree', of: this.#sent.indexOf(sent), afterMs: 0, forMs: 0, every: 1 });
        await this.make({ act: 'answer', of: this.#sent.indexOf(sent), afterMs: 0, forMs: 0, every: 1 });
        const phase = this.#liveOf(sent)?.phase;
        if (phase?.kind === 'running' && (phase.inputMayBeLost === true || phase.stopIgnored))
          await this.#ask('stop', sent);
      }
      for (const { run, phase } of isOver.aborted ? this.#unfinished() : [])
        this.faults.push(`does not end: ${run.state} ${JSON.stringify(phase)}`);
      if (isOver.aborted) return;
      await delay(20);
    }
    await this.#judgeLeft('in memory', () => this.#inMemory(), isOver);
    await rig.replace('closed');
    const unposted = async () => await rig.store.runs.unposted();
    while ((await unposted()).length > 0 && !isOver.aborted) await delay(20);
    for (const { state } of await unposted()) this.faults.push(`not posted: ${state}`);
    await this.#judge(isOver);
  }

  /** What a process without runs still has of those that it had. */
  async #inMemory(): Promise<string[]> {
    const { kernels, store, records } = this.#rig;
    const stored = await records.readAll();
    const found = this.#sent.map(async ({ request: { requestKey, channel } }) => {
      const run = kernels.run((await store.runs.findRequest(requestKey)) ?? '');
      const places = kernels.countQueue(kernels.queueOf('T1', channel, 'python3'));
      return [...(run === undefined ? [] : [`${run.run.state} run`]), ...(places > 0 ? ['a place'] : [])];
    });
    const empty = kernels.sessions.filter(
      ({ key, record }) => record === undefined && stored.get(key)?.loss === undefined,
    );
    return [...(await Promise.all(found)).flat(), ...empty.map(({ state }) => `a session: ${state}`)];
  }

  /** On disk and in the store is nothing of runs that are over or gone. */
  async #stored(): Promise<string[]> {
    const { store, spoolDir } = this.#rig;
    const found = await readdir(spoolDir);
    const unknown = this.#sent.filter(({ is }) => is === 'refused by a process that died');
    for await (const [key] of entriesOf(store.keyv('notebook'))) {
      const id = (await store.runs.findRequest(key)) ?? '';
      const isExcused = unknown.some(({ request }) => request.requestKey === key);
      if ((await store.runs.get(id)) === undefined && !isExcused) found.push(`notebook ${key}`);
    }
    return found;
  }

  /** Notes as faults what is left when there is peace. */
  async #judgeLeft(where: string, find: () => Promise<string[]>, isOver: AbortSignal): Promise<void> {
    while ((await find()).length > 0 && !isOver.aborted) await delay(20);
    for (const left of await find()) this.faults.push(`left ${where}: ${left}`);
  }

  async #judge(isOver: AbortSignal): Promise<void> {
    this.faults.push(...this.#kernels.overlaps);
    for (const [index, sent] of this.#sent.entries())
      for (const fault of await this.#faultsOf(sent)) this.faults.push(`snippet ${index}: ${fault}`);
    // The successor still deletes what its predecessor could not.
    await this.#judgeLeft('on the gateway', async () => this.#leftBehind(), isOver);
    await this.#judgeLeft('in the store or on disk', () => this.#stored(), isOver);
  }

  #leftBehind(): string[] {
    const { kernels, gateway } = this.#rig;
    const known = kernels.records('T1').map(({ kernelId }) => kernelId);
    const left = [...gateway.kernels.values()].filter(
      ({ id, isDeleted }) => !isDeleted && !known.includes(id),
    );
    return left.map(({ id }) => callsAbout(gateway, id).join());
  }

  async #faultsOf({ request, versions, is }: Sent): Promise<string[]> {
    const { store } = this.#rig;
    const done = versions.flat().flatMap((code) => this.#kernels.done.get(code) ?? []);
    const faults = done.filter(({ times }) => times > 1).map(({ times }) => `sent ${times} times`);
    if (is === 'refused by a process that died') return faults;
    if (is === 'refused') return done.length > 0 ? [...faults, 'refused, but ran'] : faults;
    const run = await store.runs.get((await store.runs.findRequest(request.requestKey)) ?? '');
    const { outcome } = run?.data ?? {};
    if (run === undefined || outcome === undefined) return is === 'erased' ? faults : [...faults, 'lost'];
    const { kind } = outcome;
    const possibleGap = outcome.possibleGap || this.#gaps.has(run.id);
    const printed = done.map((each) => each.printed).join('');
    const texts = this.#texts.get(run.id) ?? [];
    const shown = [...(this.#finals.get(run.id) ?? [])].join();
    const isKnown = versions.length === 1;
    const last = done.at(-1);
    const isStopped = is === 'stopped' || is === 'erased';
    // By its own time limit, whatever has happened to its kernel since. A process that is killed right after it has
    // interrupted the kernel takes the reason with it.
    const isLimited = this.#hasLimit && (kind !== 'interrupted' || this.hasDied);
    const isSame = last !== undefined && this.#kernels.processOf(last.kernel) === last.process;
    const wrong = {
      broken: kind === 'broken',
      text: texts.some((text) => !isPartOf(text, printed)),
      [`textCut ${texts.join('|')} of ${printed}`]:
        isKnown && kind === 'ok' && !possibleGap && texts.some((text) => text !== printed),
      shown: shown !== kind && is !== 'erased',
      end: isKnown && (kind === 'ok' || kind === 'raised') && kind !== last?.end,
      cutShort: isKnown && kind === 'ok' && done.length !== versions[0]?.length,
      sent: (kind === 'notStarted' || kind === 'cancelled') && last !== undefined,
      cancelled: kind === 'cancelled' && !isStopped,
      stopped: done.some(({ end }) => end === 'interrupted') && !isStopped && !isLimited,
      gone: kind === 'kernelGone' && last?.kernel.isDeleted === false,
      replaced: /^kernel(?:Died|Restarted)$/.test(kind) && isSame && !possibleGap,
    };
    return [
      ...faults,
      ...Object.entries(wrong).flatMap(([what, isIt]) => (isIt ? [`${kind}, ${what}`] : [])),
    ];
  }
}

/** What kernels printed, as the answer has it, and as the executed notebook has it if there is one. */
async function textsOf(output: OutputView | undefined): Promise<string[]> {
  const { spoolPath, parts = [] } = output ?? {};
  const files = parts.flatMap((part) => (part.kind === 'attachment' ? [part.path] : []));
  const texts = [spoolPath ?? [], ...files].flat().map((path) => readFile(path, 'utf8'));
  return (await Promise.all(texts)).map((text) => piecesIn(text).join(''));
}

function piecesIn(text: string): string[] {
  return text.match(/\d+:\d+,/g) ?? [];
}

/** Something may be missing in between. */
function isPartOf(text: string, printed: string): boolean {
  const all = piecesIn(printed);
  let from = 0;
  return piecesIn(text).every((piece) => (from = all.indexOf(piece, from) + 1) > 0);
}

function notebookOf(blocks: readonly string[]): PostedNotebook {
  const cells = blocks.map((source) => ({ kind: 'code' as const, id: newCellId(), metadata: {}, source }));
  return { name: 'report', notebook: { metadata: {}, cells } };
}

function callsAbout({ calls }: ScriptedGateway, kernelId: string): string[] {
  const about = calls.filter(({ path, body }) => (path + JSON.stringify(body)).includes(kernelId));
  return about.map(({ method, path, isUpgrade }) => `${isUpgrade ? 'upgrade' : method} ${path}`);
}

function isOneOf<const T extends string>(all: readonly T[], one: string): one is T {
  return all.some((each) => each === one);
}

/** What is wrong in this world; empty if nothing is. */
async function faultsIn(plan: Plan): Promise<string[]> {
  const { implementation, several, idleTimeoutMs, limitMs, snippets, trouble } = plan;
  const timings = { ...patientTimings, idlePingMs: 150 };
  const limits = { runTimeoutMs: limitMs, inputTimeoutMs: limitMs };
  const errors: string[] = [];
  const log = pino({ level: 'error' }, { write: (line) => void errors.push(line) });
  await using rig = await startSessionRig({ several, idleTimeoutMs, ...limits, timings, log });
  const world = new World(rig, new BusyKernels(implementation), plan);
  const submitting = snippets.map(async (snippet, index) => {
    await delay(snippets.slice(0, index + 1).reduce((sum, { afterMs }) => sum + afterMs, 0));
    await world.submit(snippet);
  });
  for (const each of trouble) {
    await delay(each.afterMs);
    await world.make(each);
  }
  await Promise.all(submitting);
  await world.end();
  const isExcused = (line: string) => world.hasDied && line.includes('"code":"ENOENT"');
  return [...world.faults, ...errors.filter((line) => !isExcused(line))];
}

test('whatever happens around them, runs end once and truly, and no kernel is left behind', async () => {
  const { WORLDS = '16', PLAN } = process.env;
  const some: Plan[] = PLAN === undefined ? fc.sample(plans, Number(WORLDS)) : JSON.parse(PLAN);
  const found = await Promise.all(
    some.map(async (plan) => ({ plan: JSON.stringify(plan), faults: await faultsIn(plan) })),
  );
  expect(found.filter(({ faults }) => faults.length > 0)).toEqual([]);
});
