import type { KernelOutput } from '../gateway/outputs.ts';
import { RunTranscript } from './run-transcript.ts';
import type { Transcript, TranscriptOptions } from './transcript.ts';
import { Widgets } from './widgets.ts';

export async function openTranscript(options: TranscriptOptions): Promise<Transcript> {
  const transcript = new TranscriptInWords(options);
  if (options.recovered === true) await transcript.recover();
  return transcript;
}

/** A transcript in which widgets stand as words. */
class TranscriptInWords extends RunTranscript {
  readonly #widgets = new Widgets();

  override add(output: KernelOutput): void | Promise<void> {
    const inWords = this.#widgets.read(output, Date.now());
    return inWords === undefined ? super.add(output) : this.#addAll(inWords);
  }

  override async seal(): Promise<void> {
    await this.#addAll(this.#widgets.updates());
    await super.seal();
  }

  async #addAll(outputs: readonly KernelOutput[]): Promise<void> {
    for (const output of outputs) await super.add(output);
  }
}
