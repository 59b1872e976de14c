import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { languageWords } from '../../src/runs/languages/languages.ts';
import { readCommand } from '../../src/slack/parsing/command.ts';
import { readMessage } from '../../src/slack/parsing/message-body.ts';
import { readSlash } from '../../src/slack/parsing/request.ts';
import { splitLanguageWord, readLoneFence, readSnippet } from '../../src/slack/parsing/snippet.ts';
import { undoPhoneTyping } from '../../src/slack/parsing/typed-text.ts';
import { languagesOf } from '../support/kernelspecs.ts';
import { botUserId, compose, composeSlash } from '../support/slack-composer.ts';

const words = languageWords(languagesOf());

/** What phones and other clients put in place of plain characters, and what is copied along unseen. */
const bent = /[“”„‟‘’‚‛–—…\u00A0\u202F\u00AD\u200B\u200E\u200F\u2060\uFEFF]/;

/** Pieces that are dangerous alone and worse side by side. */
const riskyPieces = [
  ...Array.from('<>&`|()"\'\\\n\r\t \u00A0“”’—–…\u200B😄'),
  ...'&lt; &amp; `` \r\n foo.py http://a.io/?b=1&c=<d> <http://a.io|a> a@b.com <@U0BOT> @ana #data'.split(
    ' ',
  ),
  ...':x:,*b*,_i_,- ,> ,1. ,%%sql,!stop,help,python2,r,scala,= 5'.split(','),
];
const risky = fc.constantFrom(...riskyPieces);
const anyCode = fc
  .array(fc.oneof({ weight: 3, arbitrary: risky }, fc.string({ unit: 'grapheme', maxLength: 12 })), {
    maxLength: 12,
  })
  .map((pieces) => pieces.join(''));

/** Code whose first line is not alone a language's word: that one is a tag by contract. */
const code = anyCode.filter((text) => !words.isLanguage(text.split(/\r\n?|\n/)[0]?.trim() ?? ''));
/**
 * In plain text three backticks would close the fence, and so would fewer that touch it. There a lone return beside the
 * fence is a line end that belongs to it.
 */
const fenceable = code.filter((text) => !text.includes('```') && !/^[ \t]*\r|\r[ \t]*$/.test(text));
/** Line ends become LF: whatever else was typed arrives as it is. */
const arrived = (typed: string): string => typed.replaceAll(/\r\n?/g, '\n');

it('gives code in a fence as typed', () => {
  fc.assert(
    fc.property(code, (typed) => {
      const alone = readMessage(compose([{ fence: typed }]), botUserId);
      expect(readLoneFence(alone, words)?.blocks).toEqual([arrived(typed)]);
      const mentioned = readMessage(
        compose([{ bare: '@sparkthread python2 ' }, { fence: typed }]),
        botUserId,
      );
      expect(readSnippet(mentioned, words)).toEqual({ language: 'python2', blocks: [arrived(typed)] });
    }),
  );
});

it('gives several fences as typed, in order', () => {
  fc.assert(
    fc.property(fc.array(code, { minLength: 2, maxLength: 5 }), (typed) => {
      const message = readMessage(compose(typed.map((fence) => ({ fence }))), botUserId);
      expect(readSnippet(message, words)?.blocks).toEqual(typed.map(arrived));
    }),
  );
});

it('gives code in a fence of plain text as typed', () => {
  fc.assert(
    fc.property(fenceable, (typed) => {
      const { text } = compose([{ bare: '@sparkthread ' }, { fence: typed }]);
      expect(readSnippet(readMessage({ text }, botUserId), words)?.blocks).toEqual([arrived(typed)]);
    }),
  );
});

it('gives code in a fence after a slash command as typed', () => {
  fc.assert(
    fc.property(fenceable, (typed) => {
      const text = composeSlash([{ bare: 'python2 ' }, { fence: typed }]);
      expect(readSnippet(readSlash(text, words), words)).toEqual({
        language: 'python2',
        blocks: [arrived(typed)],
      });
    }),
  );
});

it('gives inline code as typed', () => {
  const inline = anyCode.map((text) => text.replaceAll(/[`\r\n]/g, '')).filter((text) => text !== '');
  fc.assert(
    fc.property(inline, (typed) => {
      const composed = compose([{ bare: '@sparkthread ' }, { inline: typed }]);
      expect(readSnippet(readMessage(composed, botUserId), words)?.blocks).toEqual([typed]);
      const { text } = composed;
      expect(readSnippet(readMessage({ text }, botUserId), words)?.blocks).toEqual([typed]);
      expect(readSnippet(readSlash(`\`${typed}\``, { isLanguage: () => false }), words)).toBeDefined();
    }),
  );
});

it('gives bare slash text as typed, but for what a phone made', () => {
  const bare = anyCode
    .map((text) => text.replaceAll('`', ''))
    .filter((text) => !bent.test(text) && text.trim() !== '');
  fc.assert(
    fc.property(bare, (typed) => {
      const text = composeSlash([{ bare: `python2 x;${typed}` }]);
      expect(readSnippet(readSlash(text, words), words)).toEqual({
        language: 'python2',
        blocks: [`x;${arrived(typed)}`],
      });
    }),
  );
});

it('trims only what is between the language and the code', () => {
  fc.assert(
    fc.property(anyCode, (text) => {
      const { language, code: rest } = splitLanguageWord(text, words.isLanguage);
      if (language === undefined) expect(rest).toBe(text);
      else {
        expect(text.startsWith(language)).toBe(true);
        expect(text.endsWith(rest)).toBe(true);
        expect(text.slice(language.length, text.length - rest.length)).toMatch(/^(?:[ \t]*(?:\r?\n)?)$/);
      }
    }),
  );
});

it('undoes the quotes that a phone bends', () => {
  const plain = fc.stringMatching(/^[\w (){}[\],.=+:]*$/);
  const quoted = fc.tuple(plain, fc.constantFrom('"', "'"), plain);
  fc.assert(
    fc.property(fc.array(quoted), (pieces) => {
      const typed = pieces.map(([before, quote, inside]) => `${before}${quote}${inside}${quote}`).join('');
      const typedOnPhone = pieces
        .map(([before, quote, inside]) => `${before}${quote === '"' ? `“${inside}”` : `‘${inside}’`}`)
        .join('');
      expect(undoPhoneTyping(typedOnPhone)).toBe(typed);
      expect(undoPhoneTyping(typed)).toBe(typed);
    }),
  );
});

it('changes nothing that no phone has bent', () => {
  fc.assert(
    fc.property(anyCode, (text) => {
      fc.pre(!bent.test(text));
      expect(undoPhoneTyping(text)).toBe(text);
    }),
  );
});

it('reads whatever blocks come without breaking', () => {
  const word = fc.record(
    {
      type: fc.constantFrom('text', 'link', 'user', 'channel', 'emoji', 'broadcast', 'date', 'novelty'),
      text: fc.oneof(anyCode, fc.constant(7)),
      url: fc.string(),
      user_id: fc.constantFrom('U0BOT', 'U0ANA'),
      style: fc.oneof(fc.record({ code: fc.boolean(), bold: fc.boolean() }), fc.constant('bullet')),
    },
    { requiredKeys: [] },
  );
  const section = fc.record(
    {
      type: fc.constantFrom(
        'rich_text_section',
        'rich_text_preformatted',
        'rich_text_list',
        'rich_text_quote',
        'odd',
      ),
      elements: fc.oneof(fc.array(word), fc.array(fc.anything())),
      language: fc.string(),
    },
    { requiredKeys: ['type'] },
  );
  const blocks = fc.oneof(
    fc.anything(),
    fc.array(fc.record({ type: fc.constant('rich_text'), elements: fc.array(section) })),
  );
  fc.assert(
    fc.property(blocks, anyCode, (foreign, text) => {
      const message = readMessage({ text, blocks: foreign }, botUserId);
      try {
        readSnippet(message, words);
        readLoneFence(message, words);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
      readCommand(text);
    }),
  );
});
