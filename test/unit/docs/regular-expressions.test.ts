import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { expressionsIn } from '../../support/regular-expressions.ts';

const root = new URL('../../../src/', import.meta.url).pathname;

/**
 * The regular expressions beside those of `output/` (its own test lists all) that may take longer than in proportion to the
 * text that people, gateways or kernels give them: because they repeat what repeats, or because recheck 4.5
 * (github.com/makenowjust-labs/recheck) has found a text for it. File and expression → how long the text can be. All others
 * were in proportion when this was written.
 */
const bounds: Record<string, string> = {
  [String.raw`smart-punctuation.ts /"[^"]*"|'[^']*'|“[^”]*”|‘[^’]*’/g`]: '2,000 chars of a line (LINE_CHARS)',
  [String.raw`snippet.ts /[\w\])][([]\S|[=<>]=|\S\s*=\s*\S|[;{}]|<-|->|^\s*[%!@#]/m`]:
    '3,000 chars (READ_CHARS)',
  [String.raw`snippet.ts /^[ \t]*\{[ \t]*\.?([\p{L}\p{N}+#_-]+)(?:[ \t]+\w[\w-]*(?=[ \t,}]))?(?:[ \t,]+(?:[.#][\w-]+|[\w.-]+[ \t]*=(?!=)[ \t]*(?:"[^"]*"|'[^']*'|\w+\([^)]*\)|[^\s,{}"']+)))*[ \t]*\}[ \t]*\r?\n/u`]:
    '500 chars (INFO_CHARS)',
  [String.raw`snippet.ts /^\s*(?:import|from|print|def|class|val|var|library|select|with|show|describe)\s+\S/im`]:
    '3,000 chars (READ_CHARS)',
  [String.raw`spark-log.ts /^(\d\d(\d\d)?[/-]\d\d[/-]\d\d[ T]\d\d:\d\d:\d\d\S* \[?(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b|\{"ts":|\s+at [\w$.<>/]+\(|\s*\.\.\. \d+ more|Caused by: |[a-z]\w*(\.[\w$]+){2,}(: |$))/`]:
    'a line that memory holds; a dot stands between the repeated',
  [String.raw`stop-trace.ts /^(?:[a-z_]+\.)*(?:KeyboardInterrupt|CancelledError|BdbQuit|InterruptedException)\b/`]:
    'a headline of 200 chars; a dot stands between the repeated',
  [String.raw`common-languages.ts /[\d.]+$/`]: '100 chars',
};

/** A repetition without end within another one: the way to exponential time. */
function isNested(expression: string): boolean {
  const plain = expression.replaceAll(/\\.|\[(?:\\.|[^\]])*\]/g, 'x');
  return /\([^()]*(?:[*+]|\{\d+,\})[^()]*\)(?:[*+]|\{\d+,\})/.test(plain);
}

test('each regular expression that repeats what repeats, or was found to be slow, has a bound', () => {
  const found = globSync('{gateway,runs,slack}/**/*.ts', { cwd: root }).flatMap((file) =>
    expressionsIn(`${root}${file}`).map((each) => `${basename(file)} ${each}`),
  );
  const known = Object.keys(bounds);
  expect(known.filter((each) => !found.includes(each))).toEqual([]);
  expect(found.filter(isNested).filter((each) => !known.includes(each))).toEqual([]);
});

test('only the bot’s own user id is made into a regular expression', () => {
  const made = globSync('**/*.ts', { cwd: root }).filter((file) =>
    readFileSync(`${root}${file}`, 'utf8').includes('RegExp('),
  );
  expect(made).toEqual(['slack/parsing/mrkdwn.ts']);
});
