import { once } from 'node:events';
import type { FinishResult, RunMessage, RunMessageOptions, RunView } from '../../runs/run-view.ts';
import { atMost, Notifier } from '../../waits.ts';
import { metadataOf, type SlackMessage } from '../api/posted.ts';
import { isUrgent, renderRunMessage } from '../blocks/run/run-message.ts';
import { tickMs } from '../blocks/run/run-text.ts';
import { attachFiles, type InThread } from './attach-files.ts';
import { type Attempt, EditableMessage, type Sending } from './editable-message.ts';
import type { Edit } from './limiters.ts';
import { deliverDirectly, postDoneNotice, postRoot } from './run-notices.ts';

/** A run that ends within this time costs one post. */
const QUICK_MS = 400;
/** Changes within this time are shown at once: a flood of outputs is not rendered one by one. */
const PICTURE_MS = 50;
/** How long a note about a missing file is tried. */
const NOTE_TRIED_MS = 60_000;
/** After a release the last state is tried for this long; then a successor shows it. */
const FLUSH_MS = 1_500;

const RELEASED: FinishResult = { delivered: false, reason: 'the bot was stopped', isRefused: false };

/**
 * The message of one run, from acceptance to its end. A run without a thread gets a root message first; a run after an
 * edit takes over the message of the previous run. The run waits for neither.
 */
export class SlackRunMessage implements RunMessage {
  readonly #sending: Sending;
  readonly #options: RunMessageOptions;
  readonly #onClosed: () => void;
  readonly #changed = new Notifier();
  readonly #closed = new Notifier();
  readonly #attached: InThread = new Map();
  readonly #released = new AbortController();
  #state: 'live' | 'ending' | 'released' = 'live';
  #message: EditableMessage | undefined;
  #isMarked = true;
  #rootRefusal: string | undefined;
  #view: RunView | undefined;
  #drawn: { view: RunView; room: number; atMs: number; message: SlackMessage; json: string } | undefined;
  /** The last state that Slack took. */
  #shown: { view: RunView; json: string } | undefined;
  #result: FinishResult | undefined;
  #notices: string[] | undefined;
  /** After a release: when the last state is left to a successor. */
  #leaveAt = Infinity;
  /** All sending for this message, one step after the other. */
  #work: Promise<unknown>;

  constructor(sending: Sending, options: RunMessageOptions, onClosed: () => void) {
    this.#sending = sending;
    this.#options = options;
    const closeEdits = sending.edits.open(options.runId);
    this.#onClosed = () => {
      closeEdits();
      onClosed();
    };
    this.#work = this.#start();
  }

  show(view: RunView): void {
    if (isUrgent(view, this.#view)) this.#closed.notify();
    this.#view = view;
    this.#changed.notify();
  }

  finish(view: RunView): Promise<FinishResult> {
    this.#view = view;
    this.#stopLive('ending');
    const result = this.#work.then(() => this.#conclude(view));
    this.#work = result;
    return result;
  }

  async release(): Promise<void> {
    if (this.#state !== 'released') {
      this.#leaveAt = this.#sending.now() + FLUSH_MS;
      // A root message that is not posted yet is left to a successor.
      if (this.#message === undefined) this.#released.abort();
      this.#stopLive('released');
      this.#work = this.#work.then(() => this.#flush());
    }
    await atMost(this.#work, Math.max(0, this.#leaveAt - this.#sending.now()));
    this.#released.abort();
  }

  async withdraw(): Promise<void> {
    this.#leaveAt = Math.min(this.#leaveAt, this.#sending.now());
    this.#stopLive('released');
    this.#released.abort();
    this.#work = this.#work.then(() => this.#message?.settle()).finally(this.#onClosed);
    await this.#work;
  }

  #stopLive(state: 'ending' | 'released'): void {
    if (this.#state !== 'released') this.#state = state;
    this.#closed.notify();
    this.#changed.notify();
  }

  /** Finds or makes its place, then shows progress until it is closed. Never rejects. */
  async #start(): Promise<void> {
    const { runId, channel, messageTs, predecessor, root, thread, createdAt } = this.#options;
    const { recovered: mayExist, onThread, onPosted } = this.#options;
    const { signal } = this.#released;
    try {
      const place = { channel, thread };
      let ts = messageTs;
      if (thread === '' && root !== undefined) {
        const sent = await postRoot(this.#sending, { ...this.#options, root }, signal);
        if (sent.kind === 'refused') this.#rootRefusal = sent.code;
        if (sent.kind !== 'posted') return;
        place.thread = sent.ts;
        onThread(sent.ts);
      } else if (predecessor !== undefined && messageTs === undefined) {
        ts = await Promise.race([predecessor, once(signal, 'abort').then(() => undefined)]);
        signal.throwIfAborted();
        if (ts !== undefined) onPosted(ts);
        else this.#isMarked = false; // cancelled: the run before goes on, and marks how it ends
      }
      const metadata = metadataOf('answer', runId);
      const message = { runId, place, metadata, createdAt, mayExist, ts, signal, onPosted };
      this.#message = new EditableMessage(this.#sending, message);
      await this.#showLive(this.#message);
    } catch (error) {
      const about = { event: 'message.unopened', run: runId, err: error };
      if (!signal.aborted) this.#sending.log.error(about, 'a run message could not be opened');
    }
  }

  async #showLive(message: EditableMessage): Promise<void> {
    if (this.#state === 'live') await this.#closed.wait(QUICK_MS);
    while (this.#state === 'live') {
      const view = this.#view;
      if (view === undefined || this.#isShown(view, message)) {
        await this.#changed.wait(tickMs(view, this.#sending.now()));
        if (this.#state === 'live') await this.#closed.wait(PICTURE_MS);
        continue;
      }
      const use = isUrgent(view, this.#shown?.view) ? 'urgent' : 'live';
      const attempt = await message.attempt((room) => this.#draw(this.#view ?? view, room), use);
      if (attempt.kind === 'posted') this.#shown = this.#drawn;
      if (attempt.kind === 'wait' && this.#state === 'live') await this.#closed.wait(attempt.ms);
      if (attempt.kind === 'refused') {
        const about = { event: 'message.hidden', run: this.#options.runId, reason: attempt.code };
        return this.#sending.log.warn(about, 'a live run message is not shown');
      }
    }
  }

  /** Renders once for `#isShown` and the sending after it. */
  #draw(view: RunView, room: number): SlackMessage {
    const atMs = this.#sending.now();
    const last = this.#drawn;
    if (last?.view === view && last.room === room && atMs - last.atMs < PICTURE_MS) return last.message;
    const { message } = renderRunMessage(view, atMs, room);
    this.#drawn = { view, room, atMs, message, json: JSON.stringify(message) };
    return message;
  }

  #isShown(view: RunView, { room }: EditableMessage): boolean {
    this.#draw(view, room);
    return this.#drawn?.json === this.#shown?.json;
  }

  async #flush(): Promise<void> {
    const [view, message] = [this.#view, this.#message];
    try {
      if (view === undefined || message === undefined || view.phase.kind === 'ended') return;
      if (!this.#isShown(view, message)) await this.#send(message, view, 'urgent', FLUSH_MS);
    } finally {
      this.#onClosed();
    }
  }

  /** Never rejects. */
  async #conclude(view: RunView): Promise<FinishResult> {
    try {
      return await this.#deliver(view);
    } catch (error) {
      const about = { event: 'message.unended', run: this.#options.runId, err: error };
      this.#sending.log.error(about, 'a run message could not be ended');
      return { delivered: false, reason: 'it could not be shown', isRefused: false };
    } finally {
      this.#onClosed();
    }
  }

  async #deliver(view: RunView): Promise<FinishResult> {
    const message = this.#message;
    if (message === undefined) return await this.#deliverDirectly(view, this.#rootRefusal);
    // A live edit on its way may have shown the last state already.
    const ts = this.#isShown(view, message) ? message.ts : undefined;
    // For late output an end that can no longer be edited is not posted anew.
    const kind = this.#result === undefined ? 'end' : 'live';
    const sent = ts === undefined ? await this.#send(message, view, kind) : { kind: 'posted' as const, ts };
    // Sending ends without a refusal only when a successor takes over.
    if (sent.kind === 'wait') return RELEASED;
    if (sent.kind === 'refused') return await this.#deliverDirectly(view, sent.code);
    const attached = view.filesFollow === true ? {} : await this.#attach(view, message);
    // A note may have posted the message anew if somebody had removed it.
    return (this.#result = { delivered: true, messageTs: message.ts ?? sent.ts, ...attached });
  }

  /** Tries until Slack takes or refuses the message, `triedMs` are over, or the process ends. */
  async #send(message: EditableMessage, view: RunView, kind: Edit, triedMs = Infinity): Promise<Attempt> {
    const giveUpAt = this.#sending.now() + triedMs;
    const sent = await message.send(
      (room) => this.#draw(view, room),
      async (ms) => {
        const leftMs = (): number => Math.min(giveUpAt, this.#leaveAt) - this.#sending.now();
        if (leftMs() <= 0 || this.#released.signal.aborted) return false;
        await this.#closed.wait(Math.min(ms, leftMs()));
        return true;
      },
      kind,
    );
    if (sent.kind === 'posted') this.#shown = this.#drawn;
    return sent;
  }

  async #attach(view: RunView, message: EditableMessage): Promise<{ files: string[]; replies: string[] }> {
    const { runId, recovered: mayExist, createdAt, root, source, messageTs = message.ts } = this.#options;
    const { files } = renderRunMessage(view, this.#sending.now(), message.room);
    const owner = { runId, place: message.place, createdAt, mayExist, messageTs };
    const { missing, ...attached } = await attachFiles(this.#sending, owner, files, this.#attached);
    if (missing.length > 0) {
      this.#sending.log.warn({ event: 'message.incomplete', run: runId, missing }, 'files not attached');
      await this.#send(message, { ...view, unattached: missing }, 'urgent', NOTE_TRIED_MS);
    }
    if (this.#result === undefined && this.#isMarked)
      void this.#sending.marks?.show({ ...owner, root, source }, view);
    this.#notices ??= this.#result === undefined ? await postDoneNotice(this.#sending, owner, view) : [];
    return { ...attached, replies: [...attached.replies, ...this.#notices] };
  }

  /** Sends the answer by direct message, because its thread refuses it. After a release a successor does that. */
  async #deliverDirectly(view: RunView, reason: string | undefined): Promise<FinishResult> {
    if (reason === undefined || this.#state === 'released') return RELEASED;
    const { runId: run, channel } = this.#options;
    const outcome = view.phase.kind === 'ended' ? view.phase.outcome.kind : view.phase.kind;
    const about = { event: 'message.undelivered', run, channel, reason, outcome };
    this.#sending.log.warn(about, 'a run message could not be delivered');
    // Late output: the end was delivered already and is not sent again.
    if (this.#result !== undefined) return this.#result;
    this.#result = { delivered: false, reason, isRefused: true };
    await deliverDirectly(this.#sending, this.#options, view, reason);
    return this.#result;
  }
}
