import type { RequestListener } from 'node:http';
import type { App, Receiver } from '@slack/bolt';
import type { HealthCheck } from '../../server/health.ts';

/** How Slack's deliveries reach us: Socket Mode or signed HTTP. */
export interface SlackLink {
  /** What Bolt takes them from. */
  receiver: Receiver;
  /** Takes deliveries from now on. */
  open(app: App): Promise<void>;
  /** Takes no more of them. */
  close(): Promise<void>;
  health: HealthCheck;
  /** Signed HTTP only: what takes `POST /slack/events`. Before `open` and after `close` it answers 503, and Slack repeats. */
  requests: RequestListener | undefined;
}
