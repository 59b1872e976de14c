import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { expressionsIn } from '../../support/regular-expressions.ts';

const root = new URL('../../../src/output/', import.meta.url).pathname;

/**
 * Each regular expression of the room, which all meet text that a kernel made: file → how long that text can be, and
 * why the expression takes no longer than in proportion → the expressions. A new one needs its bound here.
 */
const bounds: Record<string, Record<string, readonly string[]>> = {
  'errors/jvm-error.ts': {
    '300 chars (NAME_CHARS)': [String.raw`/^org\.apache\.spark\.(\w+\.)*/`],
    '40,003 chars (VALUE_CHARS)': [
      String.raw`/^<console>:\d+: (error: [^]*?)\n {7}([^\n]*)\n *\^/`,
      String.raw`/^<console>:\d+: error: /gm`,
      String.raw`/^([a-z_]\w*\.)+(?=[A-Z])/`,
      String.raw`/^An error occurred while calling [^\n]*\n: ([^\n]+)/`,
      String.raw`/^Caused by: ([^\n]+)/gm`,
      String.raw`/^('|\+- |== |JVM stacktrace:|!?[A-Z]\w+ \[)/`,
      String.raw`/;$/`,
      String.raw`/^== SQL[^]*?(?=^(?:'|\+- |JVM stacktrace:)|(?![^]))/m`,
    ],
    '10,000 chars (WORKER_CHARS)': [
      String.raw`/Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)+(\w\S*.*)/g`,
    ],
    '3,000 chars (TASK_CHARS), from their start': [
      String.raw`/^Job aborted due to stage failure: [^\n]{0,500}?\(TID \d{1,20}\) \([^)\n]{0,200}\): ([^\n]+)/`,
    ],
    'a line of 100,003 chars (TRACEBACK_CHARS); from its start': [
      String.raw`/^\s+(at |\.\.\. )|^Caused by: /`,
    ],
  },
  'errors/kernel-error.ts': {
    '40,003 chars (VALUE_CHARS), or MAX_CODE; one class, each unit once': [String.raw`/\s+/g`],
  },
  'errors/python-error.ts': {
    '100,003 chars (TRACEBACK_CHARS); from the start of a line': [
      String.raw`/^(The above exception was the direct cause|During handling of the above).*$/m`,
      String.raw`/^( *)(\^+)\s*$/`,
      String.raw`/^\w+$/`,
      String.raw`/^[A-Za-z_][\w.]*(: |:?$)/`,
      String.raw`/^-{20,}$/`,
      String.raw`/^\w+\s+Traceback \(most recent call last\)$/`,
    ],
    '40,003 chars (VALUE_CHARS); fixed words': [String.raw`/Traceback|\n\tat /`],
    '40,003 chars (VALUE_CHARS)': [String.raw`/${'`'}(%%?\w+)${'`'}/`],
    'MAX_CODE, or a line of a traceback; a fixed word': [
      String.raw`/\bdef (\w+)\(/g`,
      String.raw`/^%%time\b/`,
      String.raw`/\bget_ipython\(\)\./`,
    ],
  },
  'errors/python-frames.ts': {
    'a line of 1,001 chars (LINE_CHARS)': [
      String.raw`/^\s*(?:Cell|Input) In ?\[(?<cell>\d+)\](?:, line (?<line>\d+))?(?:, in (?<name>[^(]+))?(?:\(.*\))?$/`,
      String.raw`/^\s*File "(?:<[^>]*>|[^"]*ipykernel_\d+\/\d+\.py)", line (?<line>\d+)(?:, in (?<name>.+))?$/`,
      String.raw`/^\s*File <timed (?:exec|eval)>:(?<line>\d+)(?:, in (?<name>[^(]+))?(?:\(.*\))?$/`,
      String.raw`/^<ipython-input-(?<cell>\d+)-[^>]+> in (?<name>[^(]+)(?:\(.*\))?$/`,
      String.raw`/^\s*(?:File .+:\d+(?:, in .+)?|File ".+", line \d+(?:, in .+)?|(?:\/|[A-Z]:\\|~).+ in .+)$/`,
      String.raw`/^-+> *(\d+) ?(.*)$/`,
      String.raw`/^\S/`,
      String.raw`/^\s*(?:async\s+)?def (\w+)(\(.*)$/`,
      String.raw`/^ {4}\S/`,
      String.raw`/^ {4,}\d+ /`,
      String.raw`/^(?:-+>)? *(\d+) (.*)$/`,
    ],
    '500 chars': [String.raw`/\)\s*(->[^:]*)?:\s*[^\s#]/`],
    '25,600 chars: the end of stderr that memory holds; from the start of a line': [
      String.raw`/^ {2}\+ Exception Group Traceback \(most recent call last\):$/gm`,
      String.raw`/^[ |]*\+(?:-\+)?-+ (?:\d+|\.\.\.) -+$/`,
      String.raw`/^ +[|+]/`,
      String.raw`/^ *[|+] ?/`,
      String.raw`/^[\w.]+(: |:?$)/`,
    ],
  },
  'errors/r-error.ts': {
    '40,003 chars (VALUE_CHARS); from its start': [
      String.raw`/^Error in eval\(expr, envir, enclos\): /`,
      String.raw`/^Error in parse\(.*?\): <text>:(\d+):\d+: ([^\n]+)([^]*)$/`,
      String.raw`/^\n/`,
      String.raw`/^Error in (.+?): /`,
    ],
    '100,003 chars (TRACEBACK_CHARS); digits or a fixed word behind a line break': [
      String.raw`/^Traceback:\n([^]*)$/m`,
      String.raw`/\n(?=\d+\. )/`,
      String.raw`/^\n?\d+\. /`,
      String.raw`/^\d+\. /`,
    ],
  },
  'errors/hints.ts': {
    '2,000 chars (HINT_CHARS)': [
      String.raw`/^No module named '([^']+)'/`,
      String.raw`/there is no package called .([^’'”"]+)/`,
      String.raw`/^name '(sc|spark|sqlContext)' is not defined$/`,
      String.raw`/invalid character '[“”‘’]'/`,
      String.raw`/illegal character '\\u20(1[89cd])'/`,
      String.raw`/unexpected (input|INCOMPLETE_STRING)[^]*\n\d+: .*[“”‘’]$/m`,
      String.raw`/unexpected (symbol|input|string constant|numeric constant|',')/`,
      String.raw`/error: ('?;'? expected|illegal start|unclosed)/`,
    ],
    '1,000 chars (LONGEST_PROSE)': [
      String.raw`/\p{L}+[\s,]+\p{L}|^\p{L}+[!.]+$/u`,
      String.raw`/\p{L}\(/u`,
      String.raw`/^[\p{L}\p{M}\p{N}\p{Emoji_Presentation}\s.,!?;:()'’"“”–—-]*$/u`,
      String.raw`/^\s*(?:import|from|print|def|class|return|raise|del|with|for|if|elif|else|while|try|except|assert|lambda|global|yield|val|var|object|library|function|select|show|describe|create|insert)\b/im`,
    ],
    'a line of MAX_CODE; one class': [
      String.raw`/[\u00a0\u00ad\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]/u`,
    ],
  },
  'errors/read-error.ts': {
    '300 chars (NAME_CHARS)': [String.raw`/^[a-z]\w*(\.[\w$]+)+$/`],
    '20,000 chars (VALUE_CHARS)': [String.raw`/[^\s'"]{0,300}[\\/]([^\s'"\\/]{1,200}\.json)/g`],
  },
  'errors/spark-loss.ts': {
    '4,000 chars (CHARS)': [
      String.raw`/^(?:Answer from Java side is empty|An error occurred while trying to connect to the Java server|Error while (?:sending|receiving)|An error occurred while calling [\w.$:]{1,200}$)/`,
      String.raw`/stopped SparkContext|SparkContext (?:was|has been|is) (?:shut ?down|stopped)|SparkSession (?:was|has been|is) (?:closed|stopped)|SparkContext was shut down|SESSION_CLOSED|^'NoneType' object has no attribute '(?:sc|setCallSite)'$/`,
      String.raw`/Container killed by YARN for exceeding|OOMKilled|ExecutorLostFailure[^\n]{0,300}(?:exit code:? 137|[Mm]emory)/`,
      String.raw`/^In the SQL statement at [^\n]{1,60}\n/`,
    ],
    '300 chars (NAME_CHARS)': [String.raw`/^(?:Connection(?:Refused|Reset)Error|BrokenPipeError)$/`],
  },
  'errors/sql-error.ts': {
    '40,003 chars (VALUE_CHARS); each blank once': [
      String.raw`/;? ?\(?line (\d{1,7}),? pos (\d{1,7})\)?;?/`,
      String.raw`/;\s*$/`,
      String.raw`/== SQL ?\(line (\d{1,7}), position (\d{1,7})\) ==/`,
      String.raw`/In the SQL statement at line (\d{1,7}), column (\d{1,7}):\n/`,
      String.raw`/\.? SQLSTATE: \w{5}/`,
      String.raw`/^Extended(?=Analysis)/`,
      String.raw`/\n== SQL/`,
      String.raw`/^(?:[a-z]\w*\.)+([\w$]+): ([^]*)$/`,
    ],
  },
  'mime/browser-forms.ts': {
    'MAX_MESSAGE; fixed words, each place once': [
      String.raw`/<(?:script|style)\b/gi`,
      String.raw`/<\/script/gi`,
      String.raw`/<\/style/gi`,
      String.raw`/<script\b/i`,
      String.raw`/["'\s>]/`,
      String.raw`/data:(?:audio|video)\/[\w.+-]{1,40};base64,/`,
      String.raw`/"version":"(\d{1,3}\.\d{1,3}\.\d{1,3})"/`,
      String.raw`/"roots":\{([^{}]{1,5000})\}/`,
      String.raw`/^[\w.]{1,100}\(/`,
      String.raw`/^<[^\n]*>$|^$/`,
      String.raw`/^x-/`,
    ],
    '5,000 chars (of the roots)': [String.raw`/:"([\w-]{1,80})"/g`],
    '20,000 chars (HEAD_CHARS)': [
      String.raw`/<(?:audio|video)\b/i`,
      String.raw`/<(?:img|iframe|video|audio|source)\b[^>]{0,2000}?\bsrc\s?=\s?["'](https?:\/\/[^"'\s]{1,1500})["']/i`,
    ],
    '100,000 chars (SEEN_CHARS)': [
      String.raw`/<(?:div\b[^>]{0,300}\bid\s?=|(?:canvas|svg|img|iframe|video|audio|object|embed|table|form)\b)/i`,
      String.raw`/^(?:Loading BokehJS|BokehJS [\d.]{1,20} successfully loaded|ⓘ$)/`,
    ],
    '2,000 chars (PLACE_CHARS, OBJECT_CHARS)': [
      String.raw`/^\s*(?:<div\b[^>]{0,500}\bdata-root-id=[^>]{0,500}>\s*<\/div>\s*)+$/i`,
      String.raw`/^<[^\n]*>$|^:\w|^[\w.]{1,100}\([^]*\)$/`,
    ],
    '200 chars (MIME_CHARS)': [
      String.raw`/^(audio|video)\/([\w.+-]{1,40})$/`,
      String.raw`/^application\/vnd\.(?:vega|plotly)\w{0,20}\.v\d.{0,20}\+json$/`,
      String.raw`/^application\/vnd\.\w{1,40}_exec\.v\d\+json$/`,
      String.raw`/^application\/vnd\.\w{1,40}_load\.v\d\+json$/`,
      String.raw`/^application\/vnd\.bokehjs_exec\.v\d\+json$/`,
    ],
  },
  'model/output-model.ts': {
    'PIECE_CHARS; at its start': [String.raw`/^(?:\r|\n$)/`],
  },
  'mime/html-table.ts': {
    '2,000,000 chars (MAX_TABLE_CHARS); a fixed word': [String.raw`/<table/i`],
    '4,001 chars (BESIDE_CHARS), or a line of 2,000': [
      String.raw`/\bonly showing top \d{1,20} rows?\b/`,
      String.raw`/^shape: \([\d_]+,\)$/`,
      String.raw`/([\d,]{1,30}) rows × ([\d,]{1,30}) columns/`,
      String.raw`/shape: \(([\d_,]{1,30}), ([\d_]{1,30})\)/`,
      String.raw`/\bAn? [\w.]{1,60}: (\d{1,30}) × (\d{1,30})( of type \w+)?/`,
    ],
    '2,000,000 chars (MAX_TABLE_CHARS); one class, each unit once': [String.raw`/[^\S\n]+/g`],
    '30 chars: what a pattern of this file found': [String.raw`/[,_]/g`],
  },
  'mime/html-text.ts': {
    '300,000 chars (MAX_PARSED_CHARS); one class, each unit once': [String.raw`/\s+/g`],
  },
  'mime/svg-to-png.ts': {
    '5,000,000 chars (MAX_SVG_CHARS); from one quote to the next': [
      String.raw`/(href\s*=\s*)(["'])(?!data:image\/|#)[^"']*\2/gi`,
    ],
  },
  'open-transcript.ts': {
    '500 chars (TEXT_CHARS of the protocol)': [String.raw`/Progress/`, String.raw`/^H?BoxModel$|^HBox/`],
  },
  'mime/read-bundle.ts': {
    '200,000 chars; from its start': [String.raw`/^Name: [^\n]*\nMessage: [^]*\nStackTrace:/`],
    '200 chars (MIME_CHARS)': [
      String.raw`/json$/`,
      String.raw`/^application\/((?!vnd\.)[\w.-]+\+)?json$/`,
      String.raw`/^application\/vnd\.(\w{1,40}).*\+json$/`,
      String.raw`/^application\/vnd\..*\+json$/`,
    ],
    '32 MB (MAX_MESSAGE); fixed words behind each <': [
      String.raw`/^<([\w.]|<locals>)+( object)?( at 0x[\da-f]+)?>$/`,
      String.raw`/<(script|img|a|iframe|canvas|svg|video|audio|form)\b/i`,
      String.raw`/<(script|style|img|a|iframe|canvas|svg|video|audio|form|table)\b/i`,
      String.raw`/<(?!\/?(pre|code|p|br|span|b|i|em|strong)\b)/i`,
    ],
    '500 chars (OBJECT_CHARS)': [
      String.raw`/^<Figure size [^>]*>$/`,
      String.raw`/^<Vega(Lite)? \d+ object>/`,
    ],
    '2,000,000 chars (MAX_TABLE_CHARS); a fixed word': [String.raw`/<table/i`],
    '2,000 chars (CAPTION_CHARS)': [String.raw`/<caption[^>]*>([^]*?)<\/caption>/i`],
  },
  'mime/spark-table.ts': {
    '41 chars (TEXT_CELL_CHARS)': [String.raw`/\s+/g`],
    '4,000,000 chars (MAX_CHARS); eight from their start': [String.raw`/^[\da-f]{8}$/`],
  },
  'mime/text-tables.ts': {
    '2,000,000 chars (SEARCHED_BYTES); one way to match, from the start of a line': [
      String.raw`/^\+(?:-+\+)+$/`,
    ],
  },
  'terminal/console-bar.ts': {
    'pieces of 16,384 chars, and 1,050 that were held back; runs of one class, at most 999 long, behind fixed words':
      [
        String.raw`/\[Stage (\d{1,9}):[=> ]{0,999}\((\d{1,9}) \+ (\d{1,9})\) \/ (\d{1,9})\]/g`,
        String.raw`/\r?(?:\[Stage \d{1,9}:[=> ]{0,999}\(\d{1,9} \+ \d{1,9}\) \/ \d{1,9}\])+|\r {8,999}\r/g`,
        String.raw`/^\r?\[Stage \d{0,9}(?::[=> ]{0,999}(?:\([\d +)/]{0,40})?)?$|^\r {0,999}$/`,
      ],
  },
  'terminal/terminal-reader.ts': {
    'one class of characters, each unit once; pieces of 16,384 chars': [
      String.raw`/[^\t\u0020-\u007e\u00a0-\uffff]/g`,
    ],
    '64 chars: the reader keeps no more parameters': [String.raw`/^\d*$/`],
  },
};

test('each regular expression that meets foreign text has a bound', () => {
  const found = globSync('**/*.ts', { cwd: root })
    .map((file) => [file, expressionsIn(`${root}${file}`)] as const)
    .filter(([, expressions]) => expressions.length > 0);
  const known = Object.entries(bounds).map(
    ([file, byBound]) => [file, Object.values(byBound).flat().toSorted()] as const,
  );
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(known));
});

test('no regular expression is made of text that is only known when it runs', () => {
  const made = globSync('**/*.ts', { cwd: root }).filter((file) =>
    readFileSync(`${root}${file}`, 'utf8').includes('RegExp('),
  );
  expect(made).toEqual([]);
});
