import { UserError } from '../../errors.ts';
import type { Gateway } from '../../gateway/gateway.ts';
import type { ChannelKernels } from '../session/channel-kernels.ts';
import { needsSwitch } from '../session/kernel/kernel-record.ts';

/** How long to wait for the gateway's answer whether kernels still live. Without an answer they count as living. */
const LOOK_MS = 1_000;

/** The kernel that a snippet needs, and its requester. */
export interface WantedKernel {
  queue: string;
  kernelspec: string;
  requester: string;
}

type KernelLimitDeps = { kernels: ChannelKernels; gateway: Pick<Gateway, 'findKernel'> };

/** KERNELS_PER_USER: limits the living kernels that one person's snippets have started. */
export class KernelLimit {
  readonly #limit: number;
  readonly #deps: KernelLimitDeps;

  constructor(limit: number, deps: KernelLimitDeps) {
    this.#limit = limit;
    this.#deps = deps;
  }

  /** If the limit is reached, asks the gateway which of the requester's kernels are gone: some may have been culled. */
  async findGone(wanted: WantedKernel): Promise<ReadonlySet<string>> {
    if (!this.#wouldStart(wanted)) return new Set();
    const started = this.#startedBy(wanted);
    if (started.length < this.#limit) return new Set();
    const signal = AbortSignal.timeout(LOOK_MS);
    const looked = started.map(async (queue) => {
      const record = this.#deps.kernels.find(queue)?.record;
      if (record?.state !== 'up') return [];
      const isGone = await this.#deps.gateway.findKernel(record.kernelId, signal).then(
        (found) => found === undefined,
        () => false,
      );
      return isGone ? [queue] : [];
    });
    return new Set((await Promise.all(looked)).flat());
  }

  /** Throws `UserError` if the snippet would start one kernel too many. `gone`: queues whose kernels do not count. */
  check(wanted: WantedKernel, gone: ReadonlySet<string> = new Set()): void {
    if (!this.#wouldStart(wanted)) return;
    const { length } = this.#startedBy(wanted).filter((queue) => !gone.has(queue));
    if (length < this.#limit) return;
    const has = length === 1 ? 'a kernel that still lives' : `${length} kernels that still live`;
    throw new UserError(
      'tooManyKernels',
      `You have started ${has}, which is the limit for one person. Nothing ran; use a channel whose kernel is there already, or ask an admin to shut one of yours down.`,
    );
  }

  #startedBy({ requester, queue }: WantedKernel): string[] {
    return this.#deps.kernels.startedBy(requester).filter((each) => each !== queue);
  }

  /** False if the kernel exists and fits, if the requester's own kernel would be replaced, or if a run already waits for it. */
  #wouldStart({ queue, kernelspec, requester }: WantedKernel): boolean {
    const { record } = this.#deps.kernels.find(queue) ?? {};
    if (record !== undefined) return needsSwitch(record, kernelspec) && record.startedBy !== requester;
    return this.#deps.kernels.countQueue(queue) === 0;
  }
}
