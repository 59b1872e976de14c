import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import type { SparkMoment } from '../spark-work.ts';
import { type Application, ID, readApplication, readJobs, readYarnApplication } from './read-status.ts';

export interface StatusSettings {
  /** The root of Spark's REST API (`https://host/api/v1`), with `{appId}` or without; a user and a password may be in it. */
  url: string;
  /** The proxy on the way there. */
  proxy?: string | undefined;
}

/** Whose jobs are asked for. */
export interface StatusQuestion {
  kernelId: string;
  /** What is known of the run's application. */
  appId?: string | undefined;
  /** Jobs count from then on, ms since the epoch. */
  sinceMs: number;
}

const DEADLINE_MS = 5_000;
/** A thousand jobs, which is what Spark keeps, are far below one. */
const MAX_ANSWER_BYTES = 4 * 2 ** 20;
/** Clocks that agree this well are taken for the same: the header has whole seconds. */
const CLOCK_MS = 2_000;

/** Spark's monitoring REST API, as an operator's address gives it. It follows no redirect: a login page is no answer. */
export class StatusApi {
  /** For logs: a path may hold a token. */
  readonly shownAddress: string;
  readonly #dispatcher: Dispatcher;
  /** Without a slash at its end. */
  readonly #root: string;

  constructor({ url, proxy }: StatusSettings) {
    this.#root = url.replace(/\/+$/, '').replace(/\/applications\/\{appId\}$/, '');
    const { protocol, host } = new URL(url);
    this.shownAddress = `${protocol}//${host}`;
    const options = { allowH2: false, maxResponseSize: MAX_ANSWER_BYTES };
    this.#dispatcher =
      proxy === undefined
        ? new Agent(options)
        : new ProxyAgent({ ...options, uri: proxy, requestTls: { allowH2: false } });
  }

  /**
   * For one block of a run. It stays with the application that has had jobs of its block; until one has, and after a
   * failure, it looks anew.
   */
  follow(question: StatusQuestion): StatusFollower {
    let known: Found | undefined;
    return {
      look: async (signal) => {
        const application = known ?? (await this.#findApplication(question, signal));
        known = undefined;
        if (application === undefined) return undefined;
        const moment = await this.#readJobs(application, question, signal);
        if (moment !== undefined) known = application;
        return moment;
      },
    };
  }

  async #findApplication(question: StatusQuestion, signal: AbortSignal): Promise<Found | undefined> {
    const root = await this.#rootFor(question, signal);
    if (root === undefined) return undefined;
    const { answer } = await this.#ask(`${root}/applications?status=running`, signal);
    const application = readApplication(answer, question);
    return application === undefined ? undefined : { ...application, root };
  }

  /** Undefined where an application has to be known to find its API, and is not. */
  async #rootFor(question: StatusQuestion, signal: AbortSignal): Promise<string | undefined> {
    if (!this.#root.includes('{appId}')) return this.#root;
    const id = question.appId ?? (await this.#findOnYarn(question, signal));
    return id === undefined || !ID.test(id) ? undefined : this.#root.replaceAll('{appId}', id);
  }

  /** YARN's ResourceManager lists what it is the proxy of. */
  async #findOnYarn({ kernelId }: StatusQuestion, signal: AbortSignal): Promise<string | undefined> {
    const [manager = '', rest] = this.#root.split('/proxy/{appId}/', 2);
    if (rest === undefined) return undefined;
    const running = 'ws/v1/cluster/apps?states=RUNNING&applicationTypes=SPARK';
    const { answer } = await this.#ask(`${manager}/${running}`, signal);
    return readYarnApplication(answer, kernelId);
  }

  async #readJobs(
    { root, id, attempt }: Found,
    { sinceMs }: StatusQuestion,
    signal: AbortSignal,
  ): Promise<SparkMoment | undefined> {
    const path = [id, attempt].filter((part) => part !== undefined).join('/');
    const { answer, aheadMs } = await this.#ask(`${root}/applications/${path}/jobs`, signal);
    return readJobs(answer, { sinceMs: sinceMs + aheadMs, nowMs: Date.now() + aheadMs }, id);
  }

  /** `aheadMs`: how far the answering clock is before this one. */
  async #ask(address: string, signal: AbortSignal): Promise<{ answer: unknown; aheadMs: number }> {
    const url = new URL(address);
    const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    url.username = '';
    url.password = '';
    const { statusCode, headers, body } = await request(url, {
      dispatcher: this.#dispatcher,
      headers: {
        accept: 'application/json',
        ...(user === ':' ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` }),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]),
    });
    if (statusCode !== 200) {
      await body.dump();
      throw new Error(`the answer has status ${statusCode}`);
    }
    const text = await body.text();
    const ahead = Date.parse([headers.date].flat()[0] ?? '') - Date.now();
    return { answer: parse(text), aheadMs: Math.abs(ahead) > CLOCK_MS ? ahead : 0 };
  }
}

/** An application, and the API that tells of it. */
type Found = Application & { root: string };

export interface StatusFollower {
  /** One request after the other. Undefined where no job was submitted; rejects where the API gives no such answer. */
  look: (signal: AbortSignal) => Promise<SparkMoment | undefined>;
}

/** Nothing of the text gets into the error. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('the answer is no JSON');
  }
}
