import { UserError } from '../../errors.ts';
import type { Gateway } from '../../gateway/gateway.ts';
import type { ChannelKernels } from '../session/channel-kernels.ts';

/** The gateway is asked for so long whether a kernel still lives; a silent one is not proof of an end. */
const LOOK_MS = 1_000;

/** Where a snippet is to run, and who sent it. */
export interface WantedKernel {
  queue: string;
  kernelspec: string;
  requester: string;
}

/** KERNELS_PER_USER: the kernels that one person's snippets started and that still live. */
export class KernelLimit {
  readonly #limit: number;
  readonly #kernels: ChannelKernels;
  readonly #gateway: Pick<Gateway, 'findKernel'>;

  constructor(limit: number, kernels: ChannelKernels, gateway: Pick<Gateway, 'findKernel'>) {
    this.#limit = limit;
    this.#kernels = kernels;
    this.#gateway = gateway;
  }

  /** Asks the gateway, only at the limit, which of the requester's kernels are gone: one may have been culled. */
  async findGone(wanted: WantedKernel): Promise<ReadonlySet<string>> {
    if (!this.#wouldStart(wanted)) return new Set();
    const started = this.#startedBy(wanted);
    if (started.length < this.#limit) return new Set();
    const signal = AbortSignal.timeout(LOOK_MS);
    const looked = started.map(async (queue) => {
      const record = this.#kernels.find(queue)?.record;
      if (record?.state !== 'up') return [];
      const isGone = await this.#gateway.findKernel(record.kernelId, signal).then(
        (found) => found === undefined,
        () => false,
      );
      return isGone ? [queue] : [];
    });
    return new Set((await Promise.all(looked)).flat());
  }

  /** Throws `UserError` for what would start one kernel too many; `gone`: queues whose kernels do not count. */
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
    return this.#kernels.startedBy(requester).filter((each) => each !== queue);
  }

  /** The queue's kernel is there, or somebody waits for it already; or a switch puts another one in its place. */
  #wouldStart({ queue, kernelspec, requester }: WantedKernel): boolean {
    const session = this.#kernels.find(queue);
    if (session?.record !== undefined)
      return session.needsSwitch(kernelspec) && session.record.startedBy !== requester;
    return this.#kernels.countQueue(queue) === 0;
  }
}
