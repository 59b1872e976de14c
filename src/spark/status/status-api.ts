import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import { parseJson } from '../../text.ts';
import type { SparkMoment } from '../spark-work.ts';
import { type Application, ID, readApplication, readJobs, readYarnApplication } from './read-status.ts';

export interface StatusSettings {
  /**
   * The root of Spark's REST API (`https://host/api/v1`), with or without `{appId}`; may contain a user and password.
   */
  url: string;
  /** An HTTP proxy to use. */
  proxy?: string | undefined;
}

/** Identifies the jobs in question. */
export interface StatusQuestion {
  kernelId: string;
  /** The run's application, if known. */
  appId?: string | undefined;
  /** Only jobs since then count, ms since the epoch. */
  sinceMs: number;
}

const DEADLINE_MS = 5_000;
/** Spark keeps a thousand jobs, which take far less than one of these. */
const MAX_ANSWER_BYTES = 4 * 2 ** 20;
/** Smaller clock differences are ignored: the Date header has whole seconds. */
const CLOCK_MS = 2_000;

/** Spark's monitoring REST API at the operator's address. Redirects are not followed: a login page is not an answer. */
export class StatusApi {
  /** For logs, without the path, which may contain a token. */
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
   * Follows one block of a run. Once an application has had jobs of the block, it stays with it; before that and after
   * a failure, it searches again.
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

  /** Undefined if the address needs an application id that is not known. */
  async #rootFor(question: StatusQuestion, signal: AbortSignal): Promise<string | undefined> {
    if (!this.#root.includes('{appId}')) return this.#root;
    const id = question.appId ?? (await this.#findOnYarn(question, signal));
    return id === undefined || !ID.test(id) ? undefined : this.#root.replaceAll('{appId}', id);
  }

  /** YARN's ResourceManager lists the applications that it proxies. */
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

  /** `aheadMs`: how far the server's clock is ahead of ours. */
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
    const answer = parseJson(await body.text());
    // The error must not contain the text.
    if (answer === undefined) throw new Error('the answer is no JSON');
    const ahead = Date.parse([headers.date].flat()[0] ?? '') - Date.now();
    return { answer, aheadMs: Math.abs(ahead) > CLOCK_MS ? ahead : 0 };
  }
}

/** An application and the API root that reports on it. */
type Found = Application & { root: string };

export interface StatusFollower {
  /** Call it once at a time. Undefined if no job was submitted; rejects if the API does not answer. */
  look: (signal: AbortSignal) => Promise<SparkMoment | undefined>;
}
