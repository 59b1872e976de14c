import { globSync, readFileSync } from 'node:fs';
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
    'MAX_MESSAGE, or what a gateway answers; in proportion': [
      "/^[!#$%&'*+.^`|~\\w-]+$/",
      String.raw`/^[\x20-\x7e]*$/`,
      String.raw`/^[\x21-\x7e]+$/`,
      String.raw`/^[{["]/`,
      String.raw`/^\d+(\.\d+)?$/`,
    ],
  },
  'gateway/auth/token-source.ts': {
    'MAX_MESSAGE, or what a gateway answers; in proportion': [
      String.raw`/[\w.~+/=-]{20,}/g`,
      String.raw`/[a-z]/i`,
      String.raw`/\d/`,
    ],
  },
  'gateway/http/http-errors.ts': {
    'MAX_MESSAGE, or what a gateway answers; in proportion': [
      String.raw`/ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED)/`,
      String.raw`/\.$/`,
      String.raw`/\s+/g`,
      String.raw`/^((DEPTH_ZERO_)?SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_|INVALID_(CA|PURPOSE)|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME)/`,
      String.raw`/^\s*</`,
      String.raw`/^forbidden$/i`,
      String.raw`/_xsrf/`,
      String.raw`/login|logon|signin|sso|oauth|saml|auth/i`,
      String.raw`/type=["']?password/i`,
    ],
  },
  'gateway/http/http.ts': {
    'MAX_MESSAGE, or what a gateway answers; in proportion': [String.raw`/^http/`],
  },
  'gateway/http/kernels-api.ts': {
    'MAX_MESSAGE, or what a gateway answers; in proportion': [String.raw`/kernel does not exist/i`],
  },
  'gateway/protocol/messages.ts': {
    'MAX_MESSAGE, or what a gateway answers; in proportion': [
      String.raw`/[/+]json$/`,
      String.raw`/_\d+$/`,
      String.raw`/toree|irkernel/i`,
    ],
  },
  'runs/languages/common-languages.ts': {
    'a name, a code or a sentence of ours; in proportion': [
      String.raw`/(?<![a-z])i?py(?:thon|spark)?[\s_-]*([23])/i`,
      String.raw`/spark|toree/i`,
    ],
    '100 chars': [String.raw`/[\d.]+$/`],
  },
  'slack/api/call-error.ts': {
    'a name, a code or a sentence of ours; in proportion': [
      String.raw`/Retry header/`,
      String.raw`/^[a-z_0-9]+$/`,
    ],
  },
  'slack/blocks/home.ts': {
    'what memory holds of a stream (head and tail); in proportion': [String.raw`/^• /`],
  },
  'slack/blocks/rich-text.ts': {
    'what memory holds of a stream (head and tail); in proportion': [
      String.raw`/[^\s\p{Cf}\p{Cc}\u115f\u1160\u2800\u3164]/u`,
    ],
  },
  'slack/blocks/run/order-output.ts': {
    'what memory holds of a stream (head and tail); in proportion': [String.raw`/\n$/`, String.raw`/\n?$/`],
  },
  'slack/blocks/run/run-text.ts': {
    'what memory holds of a stream (head and tail); in proportion': [
      String.raw`/[.!?]$/`,
      String.raw`/[\u0000-\u0008\u000b-\u001f\u007f]/g`,
      String.raw`/^\p{Ll}/u`,
    ],
  },
  'slack/blocks/run/spark-log.ts': {
    'what memory holds of a stream (head and tail); in proportion': [
      String.raw`/^(\d\d(\d\d)?[/-]\d\d[/-]\d\d[ T]\d\d:\d\d:\d\d\S* \[?(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b|\{"ts":|\s+at [\w$.<>/]+\(|\s*\.\.\. \d+ more|Caused by: |[a-z]\w*(\.[\w$]+){2,}(: |$))/`,
      String.raw`/^\s+\S/`,
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
  'slack/blocks/truncate.ts': {
    'what memory holds of a stream (head and tail); in proportion': [
      String.raw`/&[a-z]{0,3}$/`,
      String.raw`/[\ud800-\udbff]/`,
      String.raw`/[\udc00-\udfff]/`,
    ],
  },
  'slack/listeners/register.ts': {
    'a name, a code or a sentence of ours; in proportion': [
      String.raw`/^\//`,
      String.raw`/^kernel:(restart|shutdown)$/`,
      String.raw`/^run:/`,
    ],
  },
  'slack/parsing/command.ts': {
    "40,000 chars, Slack's longest message, or MAX_CODE; in proportion": [
      String.raw`/[ \t]+/`,
      String.raw`/^!\p{L}+$/u`,
      String.raw`/^#[^\s#<>]+$/`,
      String.raw`/^(?:<#|#)?([CGD][A-Z0-9]+)(?:\|[^<>]*)?>?$/`,
      String.raw`/^[\p{Ll}\p{N}_-]+$/u`,
      String.raw`/^[\p{L}\p{N}.+#_-]+$/u`,
      String.raw`/^\p{L}+$/u`,
    ],
  },
  'slack/parsing/message-body.ts': {
    "40,000 chars, Slack's longest message, or MAX_CODE; in proportion": [String.raw`/^(?:mailto|tel):/`],
  },
  'slack/parsing/mrkdwn.ts': {
    "40,000 chars, Slack's longest message, or MAX_CODE; in proportion": [
      String.raw`/&(amp|lt|gt);/g`,
      String.raw`/<(?:[@#]|!subteam\^)(\w+)\|([^<>]+)>/g`,
      String.raw`/<([^<>\n]*)>|&(amp|lt|gt);/g`,
      String.raw`/["'“‘]/`,
      String.raw`/\n[ \t]*$/`,
      String.raw`/\r?\n[ \t]*$/`,
      String.raw`/^!\w+$/`,
      String.raw`/^(?:[a-z][a-z\d+.-]*:\/\/|mailto:|tel:)/i`,
      String.raw`/^(?:mailto|tel):/`,
      String.raw`/^([@#])(\w+)$/`,
      String.raw`/^([^|]*)(?:\|(.*))?$/`,
      String.raw`/^[ \t]*(\r?\n)/`,
      String.raw`/^[@#]/`,
      '/`([^`\\n]+)`/',
      '/`{3,}/g',
    ],
  },
  'slack/parsing/near-command.ts': {
    "40,000 chars, Slack's longest message, or MAX_CODE; in proportion": [
      String.raw`/[ \t]+/`,
      String.raw`/^(?:-h|--?help|\/help|\?|man)$/i`,
      String.raw`/^[a-z]+$/`,
      String.raw`/^\p{L}+$/u`,
    ],
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
      String.raw`/"""|'''/g`,
      String.raw`/(?<=["'\s])—(?=\p{L})/gu`,
      String.raw`/["'“”‘’#]|\/\//`,
      String.raw`/[\u00A0\u202F]/g`,
      String.raw`/[‘’‚‛]/g`,
      String.raw`/[“”„‟]/g`,
      String.raw`/\\./g`,
      String.raw`/\r\n?/g`,
    ],
    '2,000 chars of a line (LINE_CHARS)': [String.raw`/"[^"]*"|'[^']*'|“[^”]*”|‘[^’]*’/g`],
  },
  'slack/parsing/snippet.ts': {
    "40,000 chars, Slack's longest message, or MAX_CODE; in proportion": [
      String.raw`/:$/`,
      String.raw`/^(?:[=<>+\-*/&|^.,:;)\]]|!=|%[\s=]|%[^\s%]*%\s|(?:in|is|and|or|not\s+in)(?![\p{L}\p{N}_])|if(?![\p{L}\p{N}_]).*(?<![\p{L}\p{N}_])else(?![\p{L}\p{N}_]))/u`,
      String.raw`/^(\S+)(?:[ \t]*(\r?\n)|[ \t]+|$)/`,
      String.raw`/^[ \t]*(\S+?)(?:[ \t]+(?:[\w.-]+=(?:"[^"]*"|'[^']*')|\{[\d, -]*\}))*[ \t]*\r?\n/`,
      String.raw`/^[ \t]*\r?\n|^[ \t]+/`,
      String.raw`/^[:,](?=\s)/`,
      String.raw`/^[\s\d.+*/()-]+$/`,
      String.raw`/^\p{L}[\p{L}\p{N}.+#_-]*$/u`,
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

test('each regular expression that meets foreign text has a bound', () => {
  const found = globSync('{gateway,runs,slack}/**/*.ts', { cwd: root })
    .map((file) => [file, expressionsIn(`${root}${file}`)] as const)
    .filter(([, expressions]) => expressions.length > 0);
  const known = Object.entries(bounds).map(
    ([file, byBound]) => [file, Object.values(byBound).flat().toSorted()] as const,
  );
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(known));
});

test('only the bot’s own user id is made into a regular expression', () => {
  const made = globSync('**/*.ts', { cwd: root }).filter((file) =>
    readFileSync(`${root}${file}`, 'utf8').includes('RegExp('),
  );
  expect(made).toEqual(['slack/parsing/mrkdwn.ts']);
});
