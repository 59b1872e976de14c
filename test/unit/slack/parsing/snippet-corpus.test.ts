import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../../src/errors.ts';
import { checkSnippet } from '../../../../src/runs/admission/new-run.ts';
import { languageWords } from '../../../../src/runs/languages/languages.ts';
import { readCommand } from '../../../../src/slack/parsing/command.ts';
import { readMessage } from '../../../../src/slack/parsing/message-body.ts';
import { readSlash } from '../../../../src/slack/parsing/request.ts';
import { readCommandText, readLoneFence, readSnippet } from '../../../../src/slack/parsing/snippet.ts';
import { languagesOf } from '../../../support/kernelspecs.ts';
import { botUserId } from '../../../support/slack-composer.ts';
import { composedCases, type SnippetCase } from '../../../support/snippet-corpus.ts';

function corpus(name: string): SnippetCase[] {
  return JSON.parse(
    readFileSync(new URL(`../../../fixtures/snippets/${name}.json`, import.meta.url), 'utf8'),
  );
}

const words = languageWords(languagesOf());

function read({ wayIn, event }: SnippetCase): SnippetCase['expect'] {
  try {
    const message = wayIn === 'slash' ? readSlash(event.text, words) : readMessage(event, botUserId);
    const text = wayIn === 'thread' ? undefined : readCommandText(message);
    const command = text === undefined ? undefined : readCommand(text);
    if (command !== undefined) return { command };
    const snippet = wayIn === 'thread' ? readLoneFence(message, words) : readSnippet(message, words);
    if (snippet === undefined) return { silent: true };
    checkSnippet(snippet, 1_000_000);
    const { language, syntax, blocks } = snippet;
    return {
      ...(language === undefined ? {} : { language }),
      ...(syntax === undefined ? {} : { syntax }),
      blocks,
    };
  } catch (error) {
    if (error instanceof UserError) return { refused: error.code };
    throw error;
  }
}

describe.each(['handmade', 'composed'])('the corpus of messages: %s', (name) => {
  it.each(corpus(name))('$name', (each) => {
    expect(read(each)).toEqual(each.expect);
  });
});

describe('the corpus', () => {
  it('is large', () => {
    expect(corpus('handmade').length + corpus('composed').length).toBeGreaterThan(400);
  });

  /** `vitest --update` writes the file anew. */
  it('holds what the composer makes now', async () => {
    const file = new URL('../../../fixtures/snippets/composed.json', import.meta.url);
    await expect(`${JSON.stringify(composedCases(), undefined, 1)}\n`).toMatchFileSnapshot(
      fileURLToPath(file),
    );
  });
});
