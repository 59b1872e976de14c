import { type Run, isUndecided, isUnfinished } from '../run.ts';
import { KernelSession, type SessionDeps } from './kernel-session.ts';
import type { KernelRecord, StoredKernel } from './kernel/kernel-record.ts';
import type { LiveRun } from './run/live-run.ts';

const NO_KERNEL: StoredKernel = { record: undefined, loss: undefined };

/** Counts of what is in memory. */
export interface RunCounts {
  waiting: number;
  inFlight: number;
  /** Runs that have ended and whose final message is not posted yet. */
  unposted: number;
  kernels: number;
}

/** Finds the kernel session of a run: one for each channel, or one for each kernelspec. Knows every run in memory. */
export class ChannelKernels {
  readonly #deps: SessionDeps;
  readonly #several: boolean;
  readonly #sessions = new Map<string, KernelSession>();
  /** Runs whose final message is not posted yet. */
  readonly #live = new Map<string, LiveRun>();
  /** Places for snippets that are just being accepted. */
  readonly #reserved = new Set<{ queue: string; requester: string }>();
  #isClosing = false;

  /** `several`: KERNELS_PER_CHANNEL. */
  constructor({ several, ...deps }: Omit<SessionDeps, 'onEmpty'> & { several: boolean }) {
    this.#several = several;
    this.#deps = {
      ...deps,
      onEmpty: (session) => {
        if (this.#sessions.get(session.key) === session) this.#sessions.delete(session.key);
      },
    };
  }

  /** After a takeover: opens sessions for the stored kernels of this workspace. */
  load(stored: ReadonlyMap<string, StoredKernel>, workspace: string): void {
    for (const [key, kernel] of stored) {
      const [of, channel = ''] = key.split('/');
      if (of === workspace) this.#add({ key, workspace, channel }, kernel);
    }
  }

  #add(place: { key: string; workspace: string; channel: string }, kernel: StoredKernel): KernelSession {
    const session = new KernelSession(place, kernel, this.#deps);
    this.#sessions.set(place.key, session);
    // A run that is accepted while this process ends is left to the successor, too.
    if (this.#isClosing) void session.close();
    return session;
  }

  /** The key of a kernel session: one for each channel, or one for each kernelspec in it (KERNELS_PER_CHANNEL). */
  queueOf(workspace: string, channel: string, kernelspec: string): string {
    return this.#several ? `${workspace}/${channel}/${kernelspec}` : `${workspace}/${channel}`;
  }

  /** The session of this queue. It is created if there is none. */
  session({ queue, workspace, channel }: Pick<Run, 'queue' | 'workspace' | 'channel'>): KernelSession {
    return this.#sessions.get(queue) ?? this.#add({ key: queue, workspace, channel }, NO_KERNEL);
  }

  find(key: string): KernelSession | undefined {
    return this.#sessions.get(key);
  }

  get sessions(): KernelSession[] {
    return [...this.#sessions.values()];
  }

  /** The kernels of a workspace, or of one of its channels. */
  records(workspace: string, channel?: string): KernelRecord[] {
    const ofThem = this.sessions.filter(
      (each) => each.workspace === workspace && (channel === undefined || each.channel === channel),
    );
    return ofThem.flatMap(({ record }) => record ?? []);
  }

  /** The kernelspec of the channel's kernel: of the oldest, if there are several, else of the one that will be started next. */
  kernelspecOf(workspace: string, channel: string): string | undefined {
    const [oldest] = this.records(workspace, channel).toSorted((a, b) => a.startedAt - b.startedAt);
    return oldest?.kernelspec ?? this.unfinished(workspace, channel)[0]?.run.data.kernelspec;
  }

  /** The kernelspec of a kernel of this channel in which Spark has run. */
  sparkKernelspecOf(workspace: string, channel: string): string | undefined {
    return this.records(workspace, channel).find(({ hasSpark }) => hasSpark === true)?.kernelspec;
  }

  // — runs in memory —

  add(live: LiveRun): void {
    this.#live.set(live.id, live);
    if (isUnfinished(live.run)) this.session(live.run).submit(live);
  }

  remove(live: LiveRun): void {
    this.#live.delete(live.id);
  }

  run(runId: string): LiveRun | undefined {
    return this.#live.get(runId);
  }

  /** Unfinished runs of a channel, over all its sessions, in order of acceptance. */
  unfinished(workspace: string, channel: string): LiveRun[] {
    return [...this.#live.values()]
      .filter(({ run }) => run.workspace === workspace && run.channel === channel && isUnfinished(run))
      .toSorted((a, b) => a.run.order - b.run.order);
  }

  get counts(): RunCounts {
    const states = [...this.#live.values()].map(({ run }) => run.state);
    const waiting = states.filter((state) => state === 'waiting').length;
    const unposted = states.filter((state) => state === 'ended').length;
    const inFlight = states.filter((state) => state === 'sending' || state === 'running').length;
    const kernels = this.sessions.filter(({ record }) => record !== undefined).length;
    return { waiting, inFlight, unposted, kernels };
  }

  // — limits —

  /** The number of unfinished runs and of those just being accepted. Runs that ask about a switch do not count. */
  countQueue(queue: string): number {
    const reserved = [...this.#reserved].filter((place) => place.queue === queue).length;
    return (this.#sessions.get(queue)?.unfinished.length ?? 0) + reserved;
  }

  countRequester(requester: string): number {
    const live = [...this.#live.values()].filter(
      ({ run }) => run.requester === requester && isUnfinished(run) && !isUndecided(run),
    );
    return live.length + [...this.#reserved].filter((place) => place.requester === requester).length;
  }

  /** The queues whose kernel this person's snippets started or will start. */
  startedBy(requester: string): string[] {
    const waiting = new Map([...this.#reserved].toReversed().map((place) => [place.queue, place.requester]));
    for (const [queue, { record, unfinished }] of this.#sessions) {
      const starter = record?.startedBy ?? unfinished[0]?.requester;
      if (starter !== undefined) waiting.set(queue, starter);
    }
    return [...waiting].flatMap(([queue, starter]) => (starter === requester ? [queue] : []));
  }

  /** Reserves a place until the run is accepted or refused. */
  reserve(place: { queue: string; requester: string }): { release: () => void } {
    this.#reserved.add(place);
    return { release: () => this.#reserved.delete(place) };
  }

  /** The store was emptied: writes back what is in memory. */
  notifyLost(): void {
    this.#deps.records.saveLostStarts();
    for (const session of this.#sessions.values()) session.notifyLost();
    for (const live of this.#live.values()) live.note({});
  }

  /** Ends the work of this process and leaves the runs to its successor. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.sessions.map((session) => session.close()));
    await Promise.all([...this.#live.values()].map((live) => live.release()));
  }
}
