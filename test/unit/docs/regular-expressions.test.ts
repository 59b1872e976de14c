import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { expressionsIn } from '../../support/regular-expressions.ts';

const root = new URL('../../../src/', import.meta.url).pathname;

/**
 * The regular expressions of the rooms that meet what people, gateways and kernels say (those of `output/` stand in its own
 * test): file → how long the text can be → the expressions. `in proportion`: the expression takes no longer than in
 * proportion to its text, by recheck 4.5 (github.com/makenowjust-labs/recheck). A new one needs its bound here.
 */
const bounds: Record<string, Record<string, readonly string[]>> = {
  'gateway/auth/read-token.ts': {
    'MAX_MESSAGE, or what a gateway answers; in proportion': [String.raw`/^\d+(\.\d+)?$/`],
  },
  'gateway/auth/token-source.ts': {
    'MAX_MESSAGE, or what a gateway answers; in proportion': [String.raw`/[\w.~+/=-]{20,}/g`],
  },
  'gateway/http/http-errors.ts': {
    'MAX_MESSAGE, or what a gateway answers; in proportion': [String.raw`/\s+/g`],
  },
  'gateway/protocol/messages.ts': {
    'MAX_MESSAGE, or what a gateway answers; in proportion': [String.raw`/_\d+$/`],
  },
  'runs/languages/common-languages.ts': {
    'a name, a code or a sentence of ours; in proportion': [
      String.raw`/(?<![a-z])i?py(?:thon|spark)?[\s_-]*([23])/i`,
    ],
    '100 chars': [String.raw`/[\d.]+$/`],
  },
  'slack/blocks/run/spark-log.ts': {
    'what memory holds of a stream (head and tail); in proportion': [
      String.raw`/^(\d\d(\d\d)?[/-]\d\d[/-]\d\d[ T]\d\d:\d\d:\d\d\S* \[?(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b|\{"ts":|\s+at [\w$.<>/]+\(|\s*\.\.\. \d+ more|Caused by: |[a-z]\w*(\.[\w$]+){2,}(: |$))/`,
    ],
  },
  'slack/blocks/run/stop-trace.ts': {
    'what memory holds of a stream (head and tail); in proportion': [
      String.raw`/^(?:[a-z_]+\.)*(?:KeyboardInterrupt|CancelledError|InterruptedException)\b/`,
    ],
  },
  'slack/blocks/run/table.ts': {
    'what memory holds of a stream (head and tail); in proportion': [
      String.raw`/^(-?[\d.,]+(e[-+]?\d+)?%?|NaN|null|None|inf|\s*)$/i`,
    ],
  },
  'slack/parsing/command.ts': {
    "40,000 chars, Slack's longest message, or MAX_CODE; in proportion": [
      String.raw`/^!save(?:[ \t]+(\S+))?$/i`,
      String.raw`/[ \t]+/`,
      String.raw`/^(?:<#|#)?([CGD][A-Z0-9]+)(?:\|[^<>]*)?>?$/`,
    ],
  },
  'slack/parsing/mrkdwn.ts': {
    "40,000 chars, Slack's longest message, or MAX_CODE; in proportion": [
      String.raw`/<(?:[@#]|!subteam\^)(\w+)\|([^<>]+)>/g`,
      String.raw`/<([^<>\n]*)>|&(amp|lt|gt);/g`,
      String.raw`/\n[ \t]*$/`,
      String.raw`/\r?\n[ \t]*$/`,
      String.raw`/^([^|]*)(?:\|(.*))?$/`,
      '/`([^`\\n]+)`/',
      '/`{3,}/g',
    ],
  },
  'slack/parsing/near-command.ts': {
    "40,000 chars, Slack's longest message, or MAX_CODE; in proportion": [String.raw`/[ \t]+/`],
  },
  'slack/parsing/posted-file.ts': {
    "40,000 chars, Slack's longest message, or MAX_CODE; in proportion": [String.raw`/\.([a-z]+)$/i`],
  },
  'slack/parsing/request.ts': {
    "40,000 chars, Slack's longest message, or MAX_CODE; in proportion": [
      String.raw`/(<[a-z][a-z\d+.-]*:[^<>|\s]*>)/i`,
      '/^((\\S+)[ \\t]+)?`([^`]+)`\\s*$/',
      '/^(?:\\p{L}[\\p{L}\\p{N}.+#_-]*:?\\s*)?`{3}/u',
      String.raw`/^[ \t]*\n|^[ \t]+/`,
    ],
  },
  'slack/parsing/smart-punctuation.ts': {
    "40,000 chars, Slack's longest message, or MAX_CODE; in proportion": [
      String.raw`/"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|[“”„‟][^“”„‟\n]*[“”„‟]?|[‘’‚‛][^‘’‚‛\n]*[‘’‚‛]?|[–—…]/g`,
    ],
    '2,000 chars of a line (LINE_CHARS)': [String.raw`/"[^"]*"|'[^']*'|“[^”]*”|‘[^’]*’/g`],
  },
  'slack/parsing/snippet.ts': {
    "40,000 chars, Slack's longest message, or MAX_CODE; in proportion": [
      String.raw`/^(?:[=<>+\-*/&|^.,:;)\]]|!=|%[\s=]|%[^\s%]*%\s|(?:in|is|and|or|not\s+in)(?![\p{L}\p{N}_])|if(?![\p{L}\p{N}_]).*(?<![\p{L}\p{N}_])else(?![\p{L}\p{N}_]))/u`,
      String.raw`/^(\S+)(?:[ \t]*(\r?\n)|[ \t]+|$)/`,
      String.raw`/^[ \t]*(\S+?)(?:[ \t]+(?:[\w.-]+=(?:"[^"]*"|'[^']*')|\{[\d, -]*\}))*[ \t]*\r?\n/`,
      String.raw`/^[ \t]*\r?\n|^[ \t]+/`,
    ],
    '500 chars (INFO_CHARS)': [
      String.raw`/^[ \t]*\{[ \t]*\.?([\p{L}\p{N}+#_-]+)(?:[ \t]+\w[\w-]*(?=[ \t,}]))?(?:[ \t,]+(?:[.#][\w-]+|[\w.-]+[ \t]*=(?!=)[ \t]*(?:"[^"]*"|'[^']*'|\w+\([^)]*\)|[^\s,{}"']+)))*[ \t]*\}[ \t]*\r?\n/u`,
    ],
    '3,000 chars (READ_CHARS)': [String.raw`/[\w\])][([]\S|[=<>]=|\S\s*=\s*\S|[;{}]|<-|->|^\s*[%!@#]/m`],
    '3,000 chars (READ_CHARS), once more': [
      String.raw`/^\s*(?:import|from|print|def|class|val|var|library|select|with|show|describe)\s+\S/im`,
    ],
  },
  'slack/transport/startup-errors.ts': {
    'a name, a code or a sentence of ours; in proportion': [String.raw`/\s+/g`],
  },
};

/** What repeats nothing without end, or once from the start of its text, takes no longer than in proportion. */
function isPlain(expression: string): boolean {
  const repeats = expression.replaceAll(/\\.|\[(?:\\.|[^\]])*\]/g, 'x').match(/[*+]|\{\d+,\}/g) ?? [];
  return repeats.length === 0 || (repeats.length === 1 && /^\/\^.*\/[dgisuvy]*$/.test(expression));
}

test('each regular expression that meets foreign text has a bound', () => {
  const found = globSync('{gateway,runs,slack}/**/*.ts', { cwd: root }).flatMap((file) =>
    expressionsIn(`${root}${file}`).flatMap((each) => (isPlain(each) ? [] : [`${basename(file)} ${each}`])),
  );
  const known = Object.entries(bounds).flatMap(([file, byBound]) =>
    Object.values(byBound).flatMap((expressions) => expressions.map((each) => `${basename(file)} ${each}`)),
  );
  expect(found.toSorted()).toEqual(known.toSorted());
});

test('only the bot’s own user id is made into a regular expression', () => {
  const made = globSync('**/*.ts', { cwd: root }).filter((file) =>
    readFileSync(`${root}${file}`, 'utf8').includes('RegExp('),
  );
  expect(made).toEqual(['slack/parsing/mrkdwn.ts']);
});
