import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import type { Log } from '../../log.ts';
import { type Link, type LinkOptions, openLink } from './websocket.ts';
import type { Rest } from '../http/kernels-api.ts';
import type { Trouble } from './outage.ts';
import { watchAway } from './watch-outage.ts';
import { untilUpgraded } from './upgrade.ts';
import type { KernelMessage } from '../protocol/wire.ts';

/** Keeps one websocket to a kernel open: one link after the other, never two at once (protocol.md §2.2), same session. */
export interface KeptLink {
  /** The first opening. Later ones happen by themselves after a loss. */
  open(signal: AbortSignal): Promise<void>;
  /** Drops the link and opens another: after a restart of the kernel the gateway's own sockets may be stale (trap 42). */
  reopen(): void;
  /** The same, and makes the gateway put new sockets of its own behind it. What it had kept for us is lost. */
  renew(): void;
  readonly isOpen: boolean;
  /** For how long nothing was heard; 0 while it is paused or closed. */
  readonly silentMs: number;
  /** False when the frame was given to no open socket. */
  send(frame: string): boolean;
  setPaused(isPaused: boolean): void;
  setBusy(isBusy: boolean): void;
  close(): Promise<void>;
}

export interface KeptLinkListener {
  onMessage(message: KernelMessage): void;
  onTooBig(): void;
  onLost(detail: string): void;
  /** Told when it could not be opened again yet, and when that is over. */
  readonly trouble: Pick<Trouble, 'cutOff' | 'over' | 'forget'>;
  /** Before any message of the new link. */
  onReopened(): void;
  /** The kernel is gone, or the gateway was away for longer than the patience for it. No further attempts. */
  onGivenUp(failure: GatewayError): void;
}

export interface KeptLinkOptions extends LinkOptions {
  rest: Pick<Rest, 'findKernel'>;
  log: Log;
  /** Started by us and not connected to before. */
  isFresh: boolean;
}

const firstAttempts = 3;

function ignore(): void {}

export function openKeptLink(options: KeptLinkOptions, listener: KeptLinkListener): KeptLink {
  const { timings, kernelId, rest, log } = options;
  const closing = new AbortController();
  let link: Link | undefined;
  let isPaused = false;
  let isBusy = false;
  let isReopening = false;
  let isDeaf = false;
  /** Attempts since a link last lived for a while; two owners of one session id evict each other (trap 13). */
  let attempt = 0;
  let openedMs = 0;
  let heardMs = 0;

  /** False when the link it opened is not the kept one any more. */
  async function openOnce(
    signal: AbortSignal,
    { onOpen, onAnswered }: { onOpen: () => void; onAnswered: () => void },
  ): Promise<boolean> {
    const next: Link = openLink(options, {
      onOpen,
      onMessage: (message) => {
        heardMs = performance.now();
        listener.onMessage(message);
      },
      onTooBig: () => listener.onTooBig(),
      onClose: (code) => {
        if (link !== next || closing.signal.aborted) return;
        if (code === 1009) {
          // Knox takes 32 KiB unless told otherwise (protocol.md §1.5).
          const key = 'gateway.websocket.max.text.buffer.size';
          log.warn(
            { kernelId, knoxSetting: key },
            'a proxy before the gateway refused a message for its length',
          );
          listener.onTooBig();
        }
        lose(`the websocket closed with code ${code}`);
      },
    });
    link = next;
    next.setPaused(isPaused);
    next.setBusy(isBusy);
    await upgraded(next, signal, onAnswered);
    openedMs = performance.now();
    return link === next;
  }

  function upgraded(next: Link, signal: AbortSignal, onAnswered: () => void): Promise<void> {
    return untilUpgraded(next, {
      kernelId,
      rest,
      lookMs: timings.upgradeLookMs,
      lookTimeoutMs: timings.lookTimeoutMs,
      endsWithGateway: !options.isFresh || openedMs > 0,
      signal,
      onAnswered,
    });
  }

  /**
   * A gateway keeps its own sockets to the kernel for the session that comes back. ZeroMQ gives the session's name to one
   * peer at a time, so sockets that were made before those of a broken websocket had ended are refused by the kernel for
   * good. Another session's websocket makes the gateway close them (protocol.md trap 14).
   */
  async function displaceDeafSockets(): Promise<void> {
    const deaf = { onOpen: ignore, onMessage: ignore, onTooBig: ignore, onClose: ignore };
    const other = openLink({ ...options, sessionId: randomUUID() }, deaf);
    await upgraded(other, closing.signal, ignore);
    await other.close();
    isDeaf = false;
  }

  function lose(detail: string): void {
    link = undefined;
    if (performance.now() - openedMs >= timings.steadyMs) attempt = 0;
    log.info({ kernelId, detail, attempt }, 'lost the websocket to a kernel');
    listener.onLost(detail);
    void reopenUntilPatienceEnds();
  }

  async function reopenUntilPatienceEnds(): Promise<void> {
    if (isReopening) return;
    isReopening = true;
    const until = performance.now() + timings.patienceMs;
    let failure: unknown;
    const sinceMs = Date.now();
    const away = watchAway(timings.awayMs, (found) => listener.trouble.cutOff(found, sinceMs));
    try {
      while (performance.now() < until) {
        const longest = Math.min(timings.reopenMs * 2 ** attempt, timings.reopenMaxMs);
        attempt += 1;
        await pause(longest * (0.5 + Math.random() / 2), undefined, { signal: closing.signal });
        try {
          if (isDeaf) await displaceDeafSockets();
          // Dropped again already, by us or by the other side, before we came to know that it was open.
          const isKept = await openOnce(closing.signal, {
            onOpen: () => {
              away.end();
              listener.trouble.over();
              listener.onReopened();
            },
            onAnswered: () => away.answered(),
          });
          if (!isKept) continue;
          log.info({ kernelId, attempt }, 're-opened the websocket to a kernel');
          return;
        } catch (cause) {
          link = undefined;
          failure = cause;
          log.debug({ kernelId, err: cause, attempt }, 'the websocket to a kernel did not open');
          if (cause instanceof GatewayError && (cause.code === 'kernelGone' || cause.code === 'startFailed'))
            break;
          away.found(cause);
        }
      }
    } catch {
      return; // closed by us while waiting
    } finally {
      away.end();
      isReopening = false;
    }
    if (closing.signal.aborted) return;
    listener.trouble.forget();
    listener.onGivenUp(
      failure instanceof GatewayError ? failure : new GatewayError('unreachable', 'The gateway is away'),
    );
  }

  return {
    async open(signal) {
      const until = AbortSignal.any([signal, closing.signal]);
      const startedMs = performance.now();
      for (let left = firstAttempts - 1; ; left -= 1) {
        try {
          await openOnce(until, { onOpen: () => undefined, onAnswered: () => undefined });
          return;
        } catch (failure) {
          link = undefined;
          const isAway = failure instanceof GatewayError && failure.code === 'unreachable';
          const isQuick = performance.now() - startedMs < timings.awayMs;
          if (left === 0 || !isAway || !isQuick || until.aborted) throw failure;
          await pause(timings.reopenMs * (1 + Math.random()));
        }
      }
    },
    reopen() {
      const old = link;
      link = undefined;
      old?.terminate();
      void reopenUntilPatienceEnds();
    },
    renew() {
      log.warn({ kernelId }, 'an idle kernel answers nothing on its websocket, which is made anew');
      isDeaf = true;
      link?.terminate();
    },
    get silentMs() {
      return isPaused || link?.isOpen !== true ? 0 : performance.now() - Math.max(heardMs, openedMs);
    },
    get isOpen() {
      return link?.isOpen === true;
    },
    send(frame) {
      if (link?.isOpen !== true) return false;
      link.send(frame);
      return true;
    },
    setPaused(paused) {
      isPaused = paused;
      heardMs = performance.now();
      link?.setPaused(paused);
    },
    setBusy(busy) {
      isBusy = busy;
      link?.setBusy(busy);
    },
    async close() {
      closing.abort();
      const last = link;
      link = undefined;
      await last?.close();
    },
  };
}
