import type { WriteStream } from 'node:tty';

/** One piece of work that is being shown. */
export type Step = {
  /** Shows the current work on a terminal, in place of the text before. */
  detail(text: string): void;
  done(text?: string): void;
  failed(): void;
};

export type Progress = { step(title: string): Step };

type Screen = Pick<WriteStream, 'write'> & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>;

const clearLine = '\r\u001B[2K';
/** How often a long step says on a plain stream that it is alive. */
const plainIntervalMs = 10_000;

/** Shows steps: on a terminal one changing line each, elsewhere plain lines. */
export function showProgress(screen: Screen, now: () => number = Date.now): Progress {
  return {
    step(title) {
      const startedAt = now();
      let lastShownAt = startedAt;
      const seconds = () => `${((now() - startedAt) / 1000).toFixed(1)} s`;
      const end = (text: string) => screen.write(`${screen.isTTY ? clearLine : ''}${text}\n`);
      const line = (text: string) => {
        // Some terminals report no columns.
        screen.write(clearLine + text.slice(0, (screen.columns || 80) - 1));
      };
      if (screen.isTTY) line(`${title} …`);
      else screen.write(`${title} …\n`);
      return {
        detail(text) {
          if (screen.isTTY) {
            line(`${title} … ${text}`);
          } else if (now() - lastShownAt >= plainIntervalMs) {
            lastShownAt = now();
            screen.write(`  ${text}\n`);
          }
        },
        done: (text) => end(`${title}: ${text ?? 'done'} (${seconds()})`),
        failed: () => end(`${title}: failed (${seconds()})`),
      };
    },
  };
}

/** Runs a piece of work as one step, which ends as the work ends. */
export async function asStep<T>(
  progress: Progress,
  title: string,
  work: (step: Step) => Promise<{ value: T; text?: string }>,
): Promise<T> {
  const step = progress.step(title);
  try {
    const { value, text } = await work(step);
    step.done(text);
    return value;
  } catch (error) {
    step.failed();
    throw error;
  }
}
